import { plainDuration } from '../../../base/duration.ts';
import { type Html, html, raw } from '../../../base/escape/html.ts';
import type { CellResult, Recommendation, SweepResult } from '../../../sweep/result.ts';
import { whereText, whyText } from '../../../sweep/sentences.ts';
import { svgLadder } from '../../html-ladder.ts';
import { MARKS } from '../../marks.ts';
import { page } from '../../page.ts';
import { agreementChart, type Chart, costChart, heatMap, survivalChart } from '../charts.ts';
import { SCRIPT } from '../page-script.ts';
import { STYLE } from '../page-style.ts';
import type { SweepReporter } from '../reporter.ts';
import {
  boxName,
  bytesText,
  count,
  disagreementText,
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

/** More rows than anybody scrolls through; the rest is in cells.csv and in the data of the page. */
const MOST_ROWS = 2000;
const MOST_PROBLEMS = 50;

const figure = (chart: Chart | undefined, title: string): Html | undefined =>
  chart &&
  html`<figure><h3>${title}</h3><div class="scroll chart" tabindex="0" role="img" aria-label="${title}: ${chart.says}">${raw(chart.svg)}</div><figcaption>${chart.says}</figcaption></figure>`;

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

const list = (rows: readonly [string, string][]): Html =>
  html`<dl>${rows.map(([term, words]) => html`<dt>${term}</dt><dd>${words}</dd>`)}</dl>`;

const setting = (
  { target, title, version, tested, text, note }: Recommendation['settings'][0],
  box: number,
): Html => html`<details><summary>${title}${version !== null && html` <small>${version}</small>`}</summary><div><button class="copy" type="button" hidden aria-label="copy ${target} of recommendation ${box + 1}">copy</button><pre tabindex="0" aria-label="${title}">${text}</pre></div>${note !== undefined && html`<p>${note}</p>`}<p class="soft">tested: ${tested}</p></details>
`;

function recommendation(each: Recommendation, result: SweepResult): Html {
  const cell = result.cells.find(({ id }) => id === each.cell);
  const product = result.boxes[each.box]?.product ?? '';
  const { box, sentence, margin, neighbours, alternatives, remedy, settings } = each;
  return html`<article class="card"><h3 id="box-${box}">${boxName(result, box)} <small>${product}</small></h3><p><strong>${sentence}</strong></p>
${margin !== null && html`<p>Margin: ${margin}.</p>`}
${cell && list(facts(cell))}
${neighbours.length > 0 && html`<h4>What lies next to it, measured</h4><ul>${neighbours.map((near) => html`<li>${whereText(near)}: <code>${tuningOf(result, near.cell)}</code> ${near.says}</li>`)}</ul>`}
${alternatives.length > 0 && html`<h4>Also possible</h4><ul>${alternatives.map(({ cell: id, says }) => html`<li><code>${tuningOf(result, id)}</code> ${says}</li>`)}</ul>`}
${remedy !== null && html`<h4>The box itself, more patient than the quiet</h4><pre tabindex="0" aria-label="configuration of the box">${remedy}</pre>`}
${settings.length > 0 && html`<h3>To paste</h3>${settings.map((one) => setting(one, box))}`}</article>
`;
}

function table(result: SweepResult): Html {
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
  const row = (cell: CellResult): Html => {
    const { measured, predicted } = cell;
    const state = stateOf(cell);
    const proportions = (of: Record<string, { yes: number; of: number }> | undefined, keys: readonly number[]) =>
      html`<td>${keys.map((key) => share(of?.[key])).join(' ')}</td>`;
    const number = (value: number | null | undefined) => html` data-value="${value ?? -1}"`;
    const noticed = (of: Parameters<typeof noticedText>[0]) =>
      html`<td${number(of?.times.at(-1))}>${noticedText(of)}</td>`;
    const met = Object.entries(measured?.firstRequest ?? {}).map(([word, times]) => `${word} ${times}`);
    const { yes = 0, of = 0 } = measured?.survives ?? {};
    return html`<tr data-state="${state}"><th scope="row">${boxName(result, cell.box)}${cell.why !== undefined && html`<br><small>${whyText(cell.why)}</small>`}</th>${names.map((name) => html`<td${number(cell.point[name])}>${settingText(cell, name)}</td>`)}<td class="${state}"${number(measured ? yes / of : null)}>${share(measured?.survives)}</td><td>${predicted.survives}</td><td>${measured ? met.join(', ') : '–'}</td>${proportions(measured?.lost, result.lost)}${proportions(measured?.outage, result.outages)}${noticed(measured?.deadPeer.client.idle)}${noticed(measured?.deadPeer.client.inFlight)}<td${number(measured?.cost?.bytesAnHour)}>${measured?.cost ? Math.round(measured.cost.bytesAnHour) : '–'}</td><td>${share(measured?.zombies)}</td><td>${doesAll(cell) ? 'yes' : 'no'}</td></tr>
`;
  };
  const omitted = beside.length + cells.length - all.length;
  return html`<section id="cells"><h2>Every cell</h2><div class="tools" hidden><label>narrow: <input id="filter" type="search" placeholder="words, as in 100s"></label><label>outcome: <select id="state"><option value="">all</option><option value="holds">outlives the quiet</option><option value="sometimes">sometimes</option><option value="breaks">does not</option><option value="unmeasured">not measured</option></select></label><span id="shown" role="status"></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="every cell"><table><thead><tr>${heads.map((head) => html`<th scope="col"><button type="button">${head}</button></th>`)}</tr></thead><tbody>${all.map(row)}</tbody></table></div>${omitted > 0 && html`<p class="soft">${count(omitted)} more in cells.csv and in result.json.</p>`}</section>`;
}

function ladders({ witnesses }: SweepResult): Html | undefined {
  if (witnesses.length === 0) return undefined;
  const options = witnesses.map(({ title }, index) => html`<option value="ladder-${index}">${title}</option>`);
  return html`<section id="ladders"><h2>One connection, packet by packet</h2><p class="soft">Played once more in a lab of its own. Sequence numbers are relative; times are seconds since the connection was opened; states are what the socket tables and the middlebox’s own table said when they were looked at, and nothing stands where nobody looked.</p>
<p class="tools" hidden><label>connection: <select id="ladder-of">${options}</select></label></p>
${witnesses.map(
  ({ title, says, ladder }, index) =>
    html`<figure class="ladder" id="ladder-${index}"><h3>${title}</h3><figcaption>${says}</figcaption><div class="scroll" tabindex="0" role="region" aria-label="ladder: ${title}">${svgLadder(ladder, `l${index}-`)}</div></figure>\n`,
)}</section>`;
}

const VERDICTS = {
  pass: 'model and measurements agree',
  fail: 'model and measurements do not agree',
  inconclusive: 'inconclusive',
} as const;

const wrong = (all: SweepResult['disagreements']): Html =>
  html`<section><h2>${disagreementText(all)}</h2>${all.map(
    ({ trial, predicted, measured }) =>
      html`<article class="card wrong"><p><code>${trial}</code></p>${list([
        ['predicted', predicted],
        ['measured', measured],
      ])}</article>\n`,
  )}</section>`;

const traps = (all: SweepResult['traps']): Html =>
  html`<section id="traps"><h2>Traps that were seen</h2>${all.map(({ title, why, seen }) => html`<article class="card trap"><h3>${title}</h3><p>${why}.</p><p class="soft">Seen: ${seen}.</p></article>`)}</section>`;

const method = (result: SweepResult): Html => {
  const boxes = result.boxes.map(
    ({ profile, product, confidence }) => `${profile}: ${product}, its behaviour ${confidence}`,
  );
  const lines = [
    ...howMeasured(result),
    'A cell’s answers are proportions over repeats that start at different offsets, for a timer’s lateness depends on when it began; intervals are Wilson’s, 95 %.',
    'Each question has connections of its own, all at the same time. What a middlebox does not concern (a dead peer, an outage, cost) is measured on a path that forgets nobody.',
    `${boxes.join('; ')}.`,
  ];
  const { problems, story } = result;
  return html`<section id="method"><h2>How it was measured, and how sure</h2>${story !== '' && html`<p>${story}</p>`}<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>${problems.length > 0 && html`<h3>Without an answer</h3><ul>${problems.slice(0, MOST_PROBLEMS).map((problem) => html`<li>${problem}</li>`)}</ul>`}</section>`;
};

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
    const { title, verdict, disagreements, traps: seen, witnesses } = result;
    return page({
      title,
      style: STYLE,
      data: result,
      script: SCRIPT,
      body: html`<a class="skip" href="#answer">to the answer</a>
<header><h1>${title}</h1>
<p class="answer" id="answer">${headline(result)}</p>
<p><span class="verdict ${verdict}">${MARKS[verdict]} ${VERDICTS[verdict]}</span></p>
<p class="soft">${howMeasured(result).slice(0, 2).join('. ')}.</p>
<nav aria-label="sections"><a href="#recommendations">what to set</a>${map && html`<a href="#landscape">landscape</a>`}${seen.length > 0 && html`<a href="#traps">traps</a>`}${witnesses.length > 0 && html`<a href="#ladders">packets</a>`}<a href="#cells">every cell</a><a href="#method">how it was measured</a></nav></header>
<main>
${disagreements.length > 0 && wrong(disagreements)}
<section id="recommendations"><h2>What to set</h2>${inOrder(result).map((each) => recommendation(each, result))}</section>
<section id="landscape">${(map || cost || survival) && html`<h2>The landscape</h2>`}${figure(map, 'Which settings outlive the quiet')}${figure(cost, 'What it costs, and how soon a dead peer is noticed')}${figure(survival, 'Just below the patience')}${figure(agreement, 'Predicted and measured')}</section>
${seen.length > 0 && traps(seen)}
${ladders(result)}
${table(result)}
${method(result)}
</main>`,
    });
  },
};
export default report;
