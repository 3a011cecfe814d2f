// `npm run picture`: plays rebalance and draws what the terminal shows of its first act as docs/rebalance.svg.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xml } from '../src/base/escape/xml.ts';
import { packageRoot } from '../src/base/root.ts';
import { runScenario } from '../src/cli/run-scenario.ts';
import { netns } from '../src/engines/netns/engine.ts';
import { KNOWN } from '../src/judge/known.ts';
import { findScenario } from '../src/plan/catalogue.ts';
import { planScenario } from '../src/plan/make-plan.ts';
import pretty from '../src/report/formats/pretty.ts';

const COLUMNS = 112;
const [CHARACTER, LINE, MARGIN] = [7.8, 17, 18];
const COLORS: Record<number, string> = {
  31: '#ff8a80',
  32: '#5dc983',
  33: '#ffc46b',
  34: '#8ab4f8',
  35: '#e08cf0',
  36: '#5ccfe6',
  37: '#e4e8f0',
};

const ESCAPE = '\u001b';
const SGR = new RegExp(`(${ESCAPE}\\[\\d+m)`);
const ONE_SGR = new RegExp(`^${ESCAPE}\\[(\\d+)m$`);

/** One line with SGR sequences as SVG tspans, each at its column. */
function spans(line: string): string {
  const parts: string[] = [];
  let [column, fill, bold, dim] = [0, '#c8cfdb', false, false];
  for (const piece of line.split(SGR)) {
    const code = ONE_SGR.exec(piece)?.[1];
    if (code === undefined) {
      // Browsers fold spaces, so every stretch of words stands at its own column.
      for (const words of piece.matchAll(/\S+(?: \S+)*/g))
        parts.push(
          `<tspan x="${(MARGIN + (column + words.index) * CHARACTER).toFixed(1)}" fill="${fill}"${bold ? ' font-weight="700"' : ''}${dim ? ' opacity=".62"' : ''}>${xml(words[0])}</tspan>`,
        );
      column += piece.length;
    } else if (code === '1') bold = true;
    else if (code === '2') dim = true;
    else if (code === '22') [bold, dim] = [false, false];
    else fill = COLORS[Number(code)] ?? '#c8cfdb';
  }
  return parts.join('');
}

const runsFolder = mkdtempSync(join(tmpdir(), 'idlelab-picture-'));
try {
  const { result } = await runScenario(await planScenario(findScenario('rebalance'), 'compressed', KNOWN), {
    engine: netns,
    runsFolder,
    onMessage: () => {},
    signal: new AbortController().signal,
  });
  const text = pretty.render(result, { columns: COLUMNS, color: true, folder: 'runs/latest' });
  const all = text.split('\n');
  const end = all.findIndex((line) => line.includes('fixed: '));
  const lines = ['$ npm run scenario -- rebalance', ...all.slice(0, end)];
  const [width, height] = [MARGIN * 2 + COLUMNS * CHARACTER, MARGIN * 2 + lines.length * LINE];
  writeFileSync(
    join(packageRoot, 'docs/rebalance.svg'),
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="terminal output of npm run scenario -- rebalance">
<rect width="100%" height="100%" rx="8" fill="#14181f"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace" font-size="13" xml:space="preserve">
${lines.map((line, index) => `<text y="${MARGIN + (index + 0.8) * LINE}">${spans(line)}</text>`).join('\n')}
</g>
</svg>
`,
  );
} finally {
  rmSync(runsFolder, { recursive: true, force: true });
}
