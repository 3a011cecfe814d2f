import { type Html, html } from '../../base/escape/html.ts';
import type { ActResult, Finding, Result } from '../../judge/result.ts';
import { boxLines } from '../box-text.ts';
import { svgLadder } from '../html-ladder.ts';
import { MARKS } from '../marks.ts';
import { hostTable, outcomeTable } from '../outcome-rows.ts';
import { page } from '../page.ts';
import type { Reporter } from '../reporter.ts';
import { paragraphs } from '../text.ts';
import { hzText, timeText } from './pretty.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5b6475; --line: #d5dae3; --card: #f6f7fa; --page: #fff; --good: #17733a; --bad: #b3261e; --warn: #8a5a00; --beat: #00718a; --again: #8e2b9c; --syn: #17733a; --state: #2456a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --soft: #9aa4b5; --line: #3a4252; --card: #1d222c; --page: #14181f; --good: #5dc983; --bad: #ff8a80; --warn: #ffc46b; --beat: #5ccfe6; --again: #e08cf0; --syn: #5dc983; --state: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 84rem; overflow-wrap: anywhere; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 1.9rem; } h2 { margin: 3rem 0 .5rem; font-size: 1.35rem; } h3 { margin: 2rem 0 .6rem; font-size: 1.05rem; }
p { max-width: 46rem; } .soft, small { color: var(--soft); }
.verdict { display: inline-block; margin: 1rem 0; padding: .4rem .9rem; border: 2px solid; border-radius: .4rem; font-weight: 600; }
.pass { color: var(--good); } .fail { color: var(--bad); } .unknown, .inconclusive { color: var(--warn); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: .5rem; }
table { border-collapse: collapse; } th, td { padding: .35rem 1.4rem .35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); } thead th { color: var(--soft); font-weight: 500; }
article { margin: 0 0 1rem; padding: .9rem 1.1rem; border: 1px solid var(--line); border-left: 4px solid currentColor; border-radius: .5rem; background: var(--card); }
article > * { color: var(--ink); } article h4 { margin: 0 0 .4rem; font-size: 1rem; } article h4.pass { color: var(--good); } article h4.fail { color: var(--bad); } article h4.unknown { color: var(--warn); }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: .3rem 1rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
code, pre { font: 13.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; } pre { margin: .1rem 0 .4rem; overflow-x: auto; white-space: pre-wrap; }
svg { display: block; font: 12px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); }
svg .lane { stroke: var(--line); } svg .host { font-weight: 700; font-size: 13px; } svg .time, svg .label, svg .note { fill: var(--soft); } svg .step { font-weight: 700; }
svg .state { fill: var(--state); paint-order: stroke; stroke: var(--card); stroke-width: 6px; } svg .state.zombie { fill: var(--bad); font-weight: 700; }
svg line { stroke-width: 1.5; } svg line.data { stroke: var(--ink); } svg line.bad { stroke: var(--bad); } svg line.again { stroke: var(--again); } svg line.beat { stroke: var(--beat); } svg line.fin { stroke: var(--warn); } svg line.syn { stroke: var(--syn); }
svg text.bad, svg .cross, svg .bad.head, svg circle.bad { fill: var(--bad); } svg text.again, svg .again.head { fill: var(--again); } svg text.beat, svg .beat.head { fill: var(--beat); } svg text.fin, svg .fin.head { fill: var(--warn); } svg text.syn, svg .syn.head { fill: var(--syn); } svg .cross { font-size: 15px; font-weight: 700; }
.scroll:focus-visible, pre:focus-visible { outline: 3px solid var(--state); outline-offset: 2px; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } .scroll { overflow: visible; } article, tr { break-inside: avoid; } :root { color-scheme: light; } }
@media (max-width: 34rem) { body { padding: 1.2rem 1rem 3rem; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
`;

function pointer(each: Finding['evidence'][number]): string {
  if ('packet' in each) return `packet ${each.packet}: ${each.note}`;
  const [[kind, host]] = Object.entries(each) as [[string, string]];
  return `${kind} of ${host} at ${each.at.toFixed(3)} s: ${each.note}`;
}

function finding({ status, title, expected, observed, why, remedy, evidence, id }: Finding): Html {
  const rows: [string, Html | string][] = [
    ['expected', expected],
    ['observed', observed],
    ['why', why],
  ];
  if (remedy.length > 0)
    rows.push(['fix', html`${remedy.map(({ where, text }) => html`<small>${where}</small><pre>${text}</pre>`)}`]);
  if (evidence.length > 0)
    rows.push(['evidence', html`${evidence.map((each, index) => [index > 0 && html`<br>`, pointer(each)])}`]);
  return html`<article class="${status}"><h4 class="${status}">${MARKS[status]} ${title} <small>${id}</small></h4><dl>${rows.map(([term, words]) => html`<dt>${term}</dt><dd>${words}</dd>`)}</dl></article>\n`;
}

function table(rows: readonly (readonly string[])[], about: string): Html {
  const [head = [], ...body] = rows;
  const top = head.map((cell) => (cell === '' ? html`<td></td>` : html`<th scope="col">${cell}</th>`));
  const lines = body.map(
    ([first = '', ...cells]) =>
      html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${about}"><table><thead><tr>${top}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function act(each: ActResult, index: number): Html {
  const rows = each.keepalive.map(({ host, process, sockets, asked, kernel, timer }) => [
    `${host} (${process}) × ${sockets}`,
    asked,
    kernel.on
      ? `idle ${kernel.idleSeconds} s, interval ${kernel.intervalSeconds} s, ${kernel.probes} probes`
      : 'SO_KEEPALIVE off',
    timer ?? 'none',
  ]);
  const heads = ['sockets', 'asked for', 'kernel (getsockopt)', 'timer (ss -o)'];
  return html`<section><h2 id="act-${index}"><span class="${each.verdict}">${MARKS[each.verdict]}</span> ${each.name}: ${each.title}</h2>
${each.ladders.map(
  (
    ladder,
    number,
  ) => html`<p class="soft">Connection ${ladder.connection} of ${ladder.lanes[0]?.host}, as the captures of all hosts saw it. Sequence numbers are relative; times are seconds since the act began.</p>
<div class="scroll" tabindex="0" role="region" aria-label="ladder of ${each.name}${each.ladders.length > 1 && `, ${ladder.lanes[0]?.host}`}">${svgLadder(ladder, `act-${index}-${number}-`)}</div>
`,
)}<h3>Findings</h3>${each.findings.map(finding)}
${rows.length > 0 && html`<h3>Keepalive: what was asked for, what the kernel has</h3>${table([heads, ...rows], `keepalive in ${each.name}`)}`}</section>\n`;
}

function facts(result: Result): string {
  const { pace } = result;
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  return [
    ...boxLines(result),
    `engine ${result.engine}, ${pace} pace`,
    ...versions,
    hzText(result),
    `started ${result.startedAt}, took ${timeText(result)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

const problem = ({ code, message, todo }: NonNullable<Result['problem']>): Html =>
  html`<article class="inconclusive"><h4 class="unknown">${code}</h4><pre>${message}</pre><p>${todo}</p></article>`;

const report: Reporter = {
  about: 'a page that needs nothing else: ladder, findings, figures',
  file: 'report.html',
  single: true,
  render(result) {
    const { title, story, verdict, acts } = result;
    const verdicts = acts.map(({ name, verdict: each }) => `${name}: ${each}`).join(', ');
    return page({
      title: `${title}: ${verdict}`,
      style: STYLE,
      body: html`<header><h1>${title}</h1>${paragraphs(story).map((part) => html`<p>${part}</p>`)}
<p class="soft">${facts(result)}</p>
<div class="verdict ${verdict}">${MARKS[verdict]} ${verdict.toUpperCase()} <span class="soft">${verdicts}</span></div></header>
<main>
${result.problem && problem(result.problem)}
${acts.length > 0 && html`<h2>The acts side by side</h2>${table(outcomeTable(acts), 'the acts side by side')}${hostTable(acts).length > 0 && html`<h3>By host</h3>${table(hostTable(acts), 'outcomes by host')}`}`}
${acts.map(act)}
</main>
<footer><p class="soft">Packet numbers are those of capture.pcapng in this folder; sockets.ndjson, flows.ndjson and events.ndjson hold the rest of the evidence, config/ what the services were given.</p></footer>`,
    });
  },
};
export default report;
