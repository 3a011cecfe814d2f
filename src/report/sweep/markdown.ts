import { plainDuration } from '../../scenario/duration.ts';
import type { SweepResult } from '../../sweep/result.ts';
import { whereText } from '../../sweep/sentences.ts';
import { boxName, bytesText, count, headline, howMeasured, inOrder, noticedText, share, tuningOf } from './say.ts';

const cell = (words: string): string => words.replaceAll('|', '\\|').replaceAll('\n', '<br>');
const MARKS = { pass: '✅', fail: '❌', inconclusive: '⚠️' } as const;
const MOST = 20;

/** @param options `settings`: whether everything to paste is part of it */
export function markdown(result: SweepResult, { settings }: { settings: boolean }): string {
  const lines: string[] = [`## ${result.title}`, '', `${MARKS[result.verdict]} **${headline(result)}**`, ''];
  if (result.disagreements.length > 0)
    lines.push(
      `### ${count(result.disagreements.length)} measurements are not what the model predicts`,
      '',
      '| trial | predicted | measured |',
      '| --- | --- | --- |',
      ...result.disagreements
        .slice(0, MOST)
        .map((each) => `| ${cell(each.trial)} | ${cell(each.predicted)} | ${cell(each.measured)} |`),
      '',
    );
  const outages = result.outages.map((seconds) => plainDuration(seconds));
  lines.push(
    `| middlebox | recommended | outlives the quiet | lost ${result.lost.join(' / ')} | outage ${outages.join(' / ')} | dead peer noticed | cost, 10,000 connections |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...inOrder(result).map((each) => {
      const best = result.cells.find(({ id }) => id === each.cell);
      const measured = best?.measured;
      const what = (best && tuningOf(result, best.id)) ?? (each.verdict === 'not-needed' ? 'nothing' : 'none found');
      return `| ${boxName(result, each.box)} | \`${what}\` | ${share(measured?.survives)} | ${result.lost.map((number) => share(measured?.lost[number])).join(' / ')} | ${result.outages.map((seconds) => share(measured?.outage[seconds])).join(' / ')} | ${noticedText(measured?.deadPeer.client.idle)} | ${measured?.cost ? `${bytesText(measured.cost.bytesAnHour * 10_000)} an hour` : '–'} |`;
    }),
    '',
  );
  for (const each of inOrder(result)) {
    lines.push(`### ${boxName(result, each.box)}`, '', each.sentence, '');
    if (each.margin !== null) lines.push(`Margin: ${each.margin}.`, '');
    lines.push(
      ...each.neighbours.map(
        (neighbour) => `- ${whereText(neighbour)}: \`${tuningOf(result, neighbour.cell)}\` ${neighbour.says}`,
      ),
    );
    lines.push(...each.alternatives.map(({ cell: id, says }) => `- or \`${tuningOf(result, id)}\`: ${says}`));
    if (each.neighbours.length + each.alternatives.length > 0) lines.push('');
    if (settings)
      for (const { title, version, tested, text, note } of each.settings)
        lines.push(
          '<details>',
          `<summary>${title}${version === null ? '' : ` (${version})`}</summary>`,
          '',
          '```',
          text,
          '```',
          '',
          `${note === undefined ? '' : `${note}. `}Tested: ${tested}.`,
          '',
          '</details>',
          '',
        );
  }
  if (result.traps.length > 0)
    lines.push(
      '### Traps that were seen',
      '',
      ...result.traps.map(({ title, why, seen }) => `- **${title}**: ${why}. Seen: ${seen}.`),
      '',
    );
  lines.push('### How it was measured', '', ...howMeasured(result).map((line) => `- ${line}`), '');
  return lines.join('\n');
}
