/** The look of a sweep's page: light and dark, narrow and wide, on paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b2130; --soft: #545e70; --line: #d3d9e3; --card: #f5f7fa; --page: #fff; --good: #1a7f44; --warn: #b07400; --bad: #c0392b; --none: #c9cfd9; --accent: #2456a6; --goodtext: #14692f; --badtext: #a82820; --warntext: #7a5000; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf2; --soft: #a3adbd; --line: #3b4454; --card: #1c222d; --page: #13171e; --good: #4fbf78; --warn: #e0a53a; --bad: #f0776b; --none: #4a5364; --accent: #86b3f7; --goodtext: #6fd394; --badtext: #ff9488; --warntext: #f2c062; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .4rem; }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; color: var(--soft); font-weight: 600; } h2 { margin: 2.75rem 0 .5rem; font-size: 1.3rem; } h3 { margin: 1.6rem 0 .4rem; font-size: 1.05rem; }
p { max-width: 48rem; margin: .5rem 0; } .soft, small, figcaption, dt { color: var(--soft); }
a { color: var(--accent); } a:focus-visible, button:focus-visible, summary:focus-visible, input:focus-visible, select:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.answer { font-size: clamp(1.15rem, 1rem + 1vw, 1.6rem); line-height: 1.35; font-weight: 600; max-width: 58rem; margin: .2rem 0 1rem; }
.verdict { display: inline-block; padding: .25rem .7rem; border: 2px solid; border-radius: .4rem; font-weight: 600; font-size: .95rem; }
.pass { color: var(--goodtext); } .fail { color: var(--badtext); } .inconclusive { color: var(--warntext); }
nav { margin: 1rem 0 0; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; }
.card { margin: 0 0 1rem; padding: 1rem 1.15rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
.card > :first-child { margin-top: 0; } .card > :last-child { margin-bottom: 0; }
.card.trap { border-left: 4px solid var(--warn); } .card.wrong { border-left: 4px solid var(--bad); }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .25rem 1rem; margin: .5rem 0; } dd { margin: 0; min-width: 0; }
figure { margin: 1rem 0; } figcaption { max-width: 48rem; font-size: .92rem; }
.scroll { overflow-x: auto; } .chart svg { display: block; max-width: none; height: auto; }
table { border-collapse: collapse; font-size: .9rem; } th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: normal; } thead th { color: var(--soft); font-weight: 500; position: sticky; top: 0; background: var(--page); } tbody th { font-weight: 500; }
td.holds { color: var(--goodtext); } td.breaks { color: var(--badtext); } td.sometimes { color: var(--warntext); }
thead button { all: unset; cursor: pointer; color: inherit; } thead button:focus-visible { outline: 3px solid var(--accent); } thead [aria-sort=ascending] button::after { content: " ▲"; } thead [aria-sort=descending] button::after { content: " ▼"; }
.tools { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: center; margin: .5rem 0; } .tools label { min-width: 0; max-width: 100%; display: block; } input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--soft); border-radius: .3rem; padding: .25rem .5rem; max-width: 100%; }
code, pre { font: 13.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; } pre { margin: .3rem 0; padding: .7rem .8rem; overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; background: var(--page); white-space: pre; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; } .copy { font: inherit; font-size: .85rem; color: var(--ink); background: var(--card); border: 1px solid var(--soft); border-radius: .3rem; padding: .1rem .6rem; cursor: pointer; }
.ladder svg { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); display: block; }
svg .lane { stroke: var(--line); } svg .host { font-weight: 700; font-size: 13px; } svg .time, svg .label, svg .note { fill: var(--soft); } svg .step { font-weight: 700; }
svg .state { fill: var(--accent); paint-order: stroke; stroke: var(--page); stroke-width: 6px; } svg .state.zombie { fill: var(--badtext); font-weight: 700; }
.ladder svg line { stroke-width: 1.5; } svg line.data { stroke: var(--ink); } svg line.bad { stroke: var(--bad); } svg line.again { stroke: var(--warn); } svg line.beat { stroke: var(--accent); } svg line.fin { stroke: var(--warn); } svg line.syn { stroke: var(--good); }
svg text.bad, svg .cross, svg .bad.head, svg circle.bad { fill: var(--badtext); } svg text.again, svg .again.head { fill: var(--warntext); } svg text.beat, svg .beat.head { fill: var(--accent); } svg text.fin, svg .fin.head { fill: var(--warntext); } svg text.syn, svg .syn.head { fill: var(--goodtext); } svg .cross { font-size: 15px; font-weight: 700; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; } nav, .tools, .copy, .skip { display: none; } .card, figure, tr { break-inside: avoid; } details::details-content { content-visibility: visible; block-size: auto; } .scroll { overflow: visible; } :root { color-scheme: light; } }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } body { padding-top: 1.2rem; } }
`;
