import { plainDuration } from '../../../scenario/duration.ts';
import type { CellResult, Recommendation, SweepResult } from '../../../sweep/result.ts';
import { whereText, whyText } from '../../../sweep/sentences.ts';
import { svgLadder, html as text } from '../../html-ladder.ts';
import { agreementChart, type Chart, costChart, heatMap, survivalChart } from '../charts.ts';
import { SCRIPT } from '../page-script.ts';
import { STYLE } from '../page-style.ts';
import type { SweepReporter } from '../reporter.ts';
import {
  boxName,
  bytesText,
  count,
  doesAll,
  headline,
  howMeasured,
  inOrder,
  landscapeOf,
  noticedText,
  settingNames,
  settingText,
  share,
  stateOf,
  tuningOf,
} from '../say.ts';

const MARKS = { pass: '✔', fail: '✖', inconclusive: '?' } as const;
/** More rows than anybody scrolls through; the rest is in cells.csv and in the data of the page. */
const MOST_ROWS = 2000;

function figure(chart: Chart | undefined, title: string): string {
  if (chart === undefined) return '';
  return `<figure><h3>${text(title)}</h3><div class="scroll chart" tabindex="0" role="img" aria-label="${text(`${title}: ${chart.says}`)}">${chart.svg}</div><figcaption>${text(chart.says)}</figcaption></figure>`;
}

function facts(cell: CellResult): [string, string][] {
  const { measured, predicted } = cell;
  if (measured === null) return [['outlives the quiet', `predicted: ${predicted.survives}; not measured`]];
  const rows: [string, string][] = [
    [
      'outlives the quiet',
      `${share(measured.survives)} (95 %: ${Math.round(measured.survives.low * 100)} % to ${Math.round(measured.survives.high * 100)} %)`,
    ],
    [
      'with lost probes',
      Object.entries(measured.lost)
        .map(([number, proportion]) => `${number}: ${share(proportion)}`)
        .join(', ') || 'nothing to lose',
    ],
    [
      'an outage of',
      Object.entries(measured.outage)
        .map(([seconds, proportion]) => `${plainDuration(Number(seconds))}: ${share(proportion)}`)
        .join(', '),
    ],
    [
      'a dead peer is noticed, idle',
      `client ${noticedText(measured.deadPeer.client.idle)}, server ${noticedText(measured.deadPeer.server.idle)}`,
    ],
    [
      'with data in flight',
      `client ${noticedText(measured.deadPeer.client.inFlight)}, server ${noticedText(measured.deadPeer.server.inFlight)}`,
    ],
    ['zombies', share(measured.zombies)],
    ['requests lost, done twice', `${measured.lostMessages}, ${measured.duplicatedCommands}`],
  ];
  if (measured.cost)
    rows.push([
      'cost',
      `${measured.cost.packetsAnHour} packets, ${bytesText(measured.cost.bytesAnHour)} an hour; for 10,000 connections ${bytesText(measured.cost.bytesAnHour * 10_000)}`,
    ]);
  const { client, server } = measured.kernel;
  const options = (side: typeof client) =>
    side === null
      ? 'not read'
      : side.keepalive
        ? `${side.idleSeconds} s / ${side.intervalSeconds} s / ${side.probes}${side.userTimeoutMs > 0 ? `, user timeout ${side.userTimeoutMs} ms` : ''}`
        : 'keepalive off';
  rows.push(['the kernel has (getsockopt)', `client ${options(client)}; server ${options(server)}`]);
  return rows;
}

const list = (rows: readonly [string, string][]): string =>
  `<dl>${rows.map(([term, words]) => `<dt>${text(term)}</dt><dd>${text(words)}</dd>`).join('')}</dl>`;

function settings({ settings: all, box }: Recommendation): string {
  if (all.length === 0) return '';
  return `<h3>To paste</h3>${all
    .map(
      ({ target, title, version, tested, text: config, note }) =>
        `<details${target === 'sysctl' || target === 'haproxy' ? '' : ''}><summary>${text(title)}${version === null ? '' : ` <small>${text(version)}</small>`}</summary><div><button class="copy" type="button" hidden aria-label="copy ${text(target)} of recommendation ${box + 1}">copy</button><pre tabindex="0" aria-label="${text(title)}">${text(config)}</pre></div>${note === undefined ? '' : `<p>${text(note)}</p>`}<p class="soft">tested: ${text(tested)}</p></details>`,
    )
    .join('\n')}`;
}

function recommendation(each: Recommendation, result: SweepResult): string {
  const cell = result.cells.find(({ id }) => id === each.cell);
  const product = result.boxes[each.box]?.product ?? '';
  return `<article class="card"><h3 id="box-${each.box}">${text(boxName(result, each.box))} <small>${text(product)}</small></h3><p><strong>${text(each.sentence)}</strong></p>
${each.margin === null ? '' : `<p>Margin: ${text(each.margin)}.</p>`}
${cell === undefined ? '' : list(facts(cell))}
${each.neighbours.length === 0 ? '' : `<h4>What lies next to it, measured</h4><ul>${each.neighbours.map((near) => `<li>${text(whereText(near))}: <code>${text(tuningOf(result, near.cell))}</code> ${text(near.says)}</li>`).join('')}</ul>`}
${each.alternatives.length === 0 ? '' : `<h4>Also possible</h4><ul>${each.alternatives.map(({ cell: id, says }) => `<li><code>${text(tuningOf(result, id))}</code> ${text(says)}</li>`).join('')}</ul>`}
${each.remedy === null ? '' : `<h4>The box itself, more patient than the quiet</h4><pre tabindex="0" aria-label="configuration of the box">${text(each.remedy)}</pre>`}
${settings(each)}</article>`;
}

function table(result: SweepResult): string {
  const names = settingNames(result);
  const cells = landscapeOf(result);
  const beside = result.cells.filter(({ why }) => why !== undefined);
  const all = [...beside, ...cells].slice(0, MOST_ROWS);
  const heads = [
    'middlebox',
    ...names,
    'outlives the quiet',
    'predicted',
    'first request',
    'lost 1 / 2 / 3',
    `outages ${result.outages.map((seconds) => plainDuration(seconds)).join(' / ')}`,
    'dead peer noticed, idle',
    'in flight',
    'bytes an hour',
    'zombies',
    'all asked',
  ];
  const row = (cell: CellResult): string => {
    const { measured, predicted } = cell;
    const state = stateOf(cell);
    const proportions = (of: Record<string, { yes: number; of: number }> | undefined, keys: readonly number[]) =>
      keys.map((key) => share(of?.[key])).join(' ');
    const number = (value: number | null | undefined) => ` data-value="${value ?? -1}"`;
    return `<tr data-state="${state}"><th scope="row">${text(boxName(result, cell.box))}${cell.why === undefined ? '' : `<br><small>${text(whyText(cell.why))}</small>`}</th>${names.map((name) => `<td${number(cell.point[name])}>${text(settingText(cell, name))}</td>`).join('')}<td class="${state}"${number(measured ? measured.survives.yes / measured.survives.of : null)}>${share(measured?.survives)}</td><td>${predicted.survives}</td><td>${text(
      measured
        ? Object.entries(measured.firstRequest)
            .map(([met, times]) => `${met} ${times}`)
            .join(', ')
        : '–',
    )}</td><td>${proportions(measured?.lost, result.lost)}</td><td>${proportions(measured?.outage, result.outages)}</td><td${number(measured?.deadPeer.client.idle?.times.at(-1))}>${text(noticedText(measured?.deadPeer.client.idle))}</td><td${number(measured?.deadPeer.client.inFlight?.times.at(-1))}>${text(noticedText(measured?.deadPeer.client.inFlight))}</td><td${number(measured?.cost?.bytesAnHour)}>${measured?.cost ? Math.round(measured.cost.bytesAnHour) : '–'}</td><td>${share(measured?.zombies)}</td><td>${doesAll(cell) ? 'yes' : 'no'}</td></tr>`;
  };
  const omitted = beside.length + cells.length - all.length;
  return `<section id="cells"><h2>Every cell</h2><div class="tools" hidden><label>narrow: <input id="filter" type="search" placeholder="words, as in 100s"></label><label>outcome: <select id="state"><option value="">all</option><option value="holds">outlives the quiet</option><option value="sometimes">sometimes</option><option value="breaks">does not</option><option value="unmeasured">not measured</option></select></label><span id="shown" role="status"></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="every cell"><table><thead><tr>${heads.map((head) => `<th scope="col"><button type="button">${text(head)}</button></th>`).join('')}</tr></thead><tbody>${all.map(row).join('\n')}</tbody></table></div>${omitted > 0 ? `<p class="soft">${count(omitted)} more in cells.csv and in result.json.</p>` : ''}</section>`;
}

function ladders({ witnesses }: SweepResult): string {
  if (witnesses.length === 0) return '';
  const options = witnesses
    .map(({ title }, index) => `<option value="ladder-${index}">${text(title)}</option>`)
    .join('');
  return `<section id="ladders"><h2>One connection, packet by packet</h2><p class="soft">Played once more with a capture on every host. Sequence numbers are relative; times are seconds since the first packet; the middlebox’s idle clock stands beside what it lets through.</p>
<p class="tools" hidden><label>connection: <select id="ladder-of">${options}</select></label></p>
${witnesses.map(({ title, says, ladder }, index) => `<figure class="ladder" id="ladder-${index}"><h3>${text(title)}</h3><figcaption>${text(says)}</figcaption><div class="scroll" tabindex="0" role="region" aria-label="${text(`ladder: ${title}`)}">${svgLadder(ladder, `l${index}-`)}</div></figure>`).join('\n')}</section>`;
}

/** JSON that cannot end the element it stands in. */
const embedded = (result: SweepResult): string => JSON.stringify(result).replaceAll('<', '\\u003c');

const report: SweepReporter = {
  about: 'a page that needs nothing else: answer, charts, settings to paste, every cell',
  file: 'report.html',
  async render(result) {
    const [map, cost, survival, agreement] = await Promise.all([
      heatMap(result),
      costChart(result),
      survivalChart(result),
      agreementChart(result),
    ]);
    const wrong = result.disagreements;
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(result.title)} – idlelab</title><link rel="icon" href="data:,"><style>${STYLE}</style></head><body>
<a class="skip" href="#answer">to the answer</a>
<header><h1>${text(result.title)}</h1>
<p class="answer" id="answer">${text(headline(result))}</p>
<p><span class="verdict ${result.verdict}">${MARKS[result.verdict]} ${result.verdict === 'pass' ? 'model and measurements agree' : result.verdict === 'fail' ? 'model and measurements do not agree' : 'inconclusive'}</span></p>
<p class="soft">${text(howMeasured(result).slice(0, 2).join('. '))}.</p>
<nav aria-label="sections"><a href="#recommendations">what to set</a>${map ? '<a href="#landscape">landscape</a>' : ''}${result.traps.length > 0 ? '<a href="#traps">traps</a>' : ''}${result.witnesses.length > 0 ? '<a href="#ladders">packets</a>' : ''}<a href="#cells">every cell</a><a href="#method">how it was measured</a></nav></header>
<main>
${
  wrong.length > 0
    ? `<section><h2>${count(wrong.length)} measurements are not what the model predicts</h2>${wrong
        .map(
          ({ trial, predicted, measured }) =>
            `<article class="card wrong"><p><code>${text(trial)}</code></p>${list([
              ['predicted', predicted],
              ['measured', measured],
            ])}</article>`,
        )
        .join('\n')}</section>`
    : ''
}
<section id="recommendations"><h2>What to set</h2>${inOrder(result)
      .map((each) => recommendation(each, result))
      .join('\n')}</section>
<section id="landscape">${map || cost || survival ? '<h2>The landscape</h2>' : ''}${figure(map, 'Which settings outlive the quiet')}${figure(cost, 'What it costs, and how soon a dead peer is noticed')}${figure(survival, 'Just below the patience')}${figure(agreement, 'Predicted and measured')}</section>
${result.traps.length > 0 ? `<section id="traps"><h2>Traps that were seen</h2>${result.traps.map(({ title, why, seen }) => `<article class="card trap"><h3>${text(title)}</h3><p>${text(why)}.</p><p class="soft">Seen: ${text(seen)}.</p></article>`).join('\n')}</section>` : ''}
${ladders(result)}
${table(result)}
<section id="method"><h2>How it was measured, and how sure</h2>${result.story ? `<p>${text(result.story)}</p>` : ''}<ul>${howMeasured(
      result,
    )
      .map((line) => `<li>${text(line)}</li>`)
      .join(
        '',
      )}<li>A cell’s answers are proportions over repeats that start at different offsets, for a timer’s lateness depends on when it began; intervals are Wilson’s, 95 %.</li><li>Each question has connections of its own, all at the same time. What a middlebox does not concern (a dead peer, an outage, cost) is measured on a path that forgets nobody.</li><li>${text(result.boxes.map((box) => `${box.profile}: ${box.product}, its behaviour ${box.confidence}`).join('; '))}.</li></ul>${
      result.problems.length > 0
        ? `<h3>Without an answer</h3><ul>${result.problems
            .slice(0, 50)
            .map((problem) => `<li>${text(problem)}</li>`)
            .join('')}</ul>`
        : ''
    }</section>
</main>
<script type="application/json" id="result">${embedded(result)}</script>
<script>${SCRIPT}</script>
</body></html>
`;
  },
};
export default report;
