import { plainDuration } from '../../base/duration.ts';
import { code, codeBlock, details, inline, table } from '../../base/escape/markdown.ts';
import type { Recommendation, SweepResult } from '../../sweep/result.ts';
import { whereText } from '../../sweep/sentences.ts';
import { EMOJI } from '../marks.ts';
import {
  boxName,
  bytesText,
  disagreementText,
  headline,
  howMeasured,
  inOrder,
  noticedText,
  share,
  tuningOf,
} from './say.ts';

const MOST = 20;

const heads = ({ lost, outages }: SweepResult): string[] => [
  'middlebox',
  'recommended',
  'outlives the quiet',
  `lost ${lost.join(' / ')}`,
  `outage ${outages.map((seconds) => plainDuration(seconds)).join(' / ')}`,
  'dead peer noticed',
  'cost, 10,000 connections',
];

/** What is recommended behind a middlebox, and what it does: Markdown. */
function row(result: SweepResult, { box, cell, verdict }: Recommendation): string[] {
  const best = result.cells.find(({ id }) => id === cell);
  const measured = best?.measured;
  const what = (best && tuningOf(result, best.id)) ?? (verdict === 'not-needed' ? 'nothing' : 'none found');
  return [
    inline(boxName(result, box)),
    code(what),
    share(measured?.survives),
    result.lost.map((number) => share(measured?.lost[number])).join(' / '),
    result.outages.map((seconds) => share(measured?.outage[seconds])).join(' / '),
    inline(noticedText(measured?.deadPeer.client.idle)),
    measured?.cost ? `${bytesText(measured.cost.bytesAnHour * 10_000)} an hour` : '–',
  ];
}

/** @param options `settings`: whether everything to paste is part of it */
export function markdown(result: SweepResult, { settings }: { settings: boolean }): string {
  const lines = [`## ${inline(result.title)}`, '', `${EMOJI[result.verdict]} **${inline(headline(result))}**`, ''];
  if (result.disagreements.length > 0)
    lines.push(
      `### ${disagreementText(result.disagreements)}`,
      '',
      ...table([
        ['trial', 'predicted', 'measured'],
        ...result.disagreements
          .slice(0, MOST)
          .map(({ trial, predicted, measured }) => [trial, predicted, measured].map(inline)),
      ]),
      '',
    );
  lines.push(...table([heads(result), ...inOrder(result).map((each) => row(result, each))]), '');
  for (const each of inOrder(result)) {
    lines.push(`### ${inline(boxName(result, each.box))}`, '', inline(each.sentence), '');
    if (each.margin !== null) lines.push(`Margin: ${inline(each.margin)}.`, '');
    lines.push(
      ...each.neighbours.map(
        (near) => `- ${inline(whereText(near))}: ${code(tuningOf(result, near.cell))} ${inline(near.says)}`,
      ),
      ...each.alternatives.map(({ cell: id, says }) => `- or ${code(tuningOf(result, id))}: ${inline(says)}`),
    );
    if (each.neighbours.length + each.alternatives.length > 0) lines.push('');
    if (settings)
      for (const { title, version, tested, text, note } of each.settings)
        lines.push(
          ...details(`${title}${version === null ? '' : ` (${version})`}`, [
            ...codeBlock(text),
            '',
            `${note === undefined ? '' : `${inline(note)}. `}Tested: ${inline(tested)}.`,
          ]),
        );
  }
  if (result.traps.length > 0)
    lines.push(
      '### Traps that were seen',
      '',
      ...result.traps.map(({ title, why, seen }) => `- **${inline(title)}**: ${inline(why)}. Seen: ${inline(seen)}.`),
      '',
    );
  lines.push('### How it was measured', '', ...howMeasured(result).map((line) => `- ${inline(line)}`), '');
  return lines.join('\n');
}
