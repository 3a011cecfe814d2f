import { formatDuration } from '../base/duration.ts';
import { codeBlock, inline, table } from '../base/escape/markdown.ts';
import type { Finding, Result } from '../judge/result.ts';
import { boxLines } from './box-text.ts';
import { EMOJI } from './marks.ts';
import { hostTable, outcomeTable } from './outcome-rows.ts';
import { paragraphs } from './text.ts';

function finding({ status, title, observed, why, remedy }: Finding): string[] {
  return [
    `- ${EMOJI[status]} **${inline(title)}**: ${inline(observed)}. ${inline(why)}`,
    ...remedy.flatMap(({ where, text }) => [`  - fix, ${inline(where)}:`, ...codeBlock(text, '    ')]),
  ];
}

/** A scenario's result as Markdown. */
export function markdown(result: Result): string {
  const { title, story, verdict, acts, problem, engine, pace, versions, startedAt, wallSeconds } = result;
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
  return [
    `## ${inline(title)}`,
    '',
    `${EMOJI[verdict]} **${verdict}**: ${inline(acts.map(({ name, verdict: each }) => `${name} ${each}`).join(', '))}`,
    '',
    ...paragraphs(story).flatMap((part) => [inline(part), '']),
    ...(problem ? [`> ${inline(`${problem.code}: ${problem.message}`)}`, '>', `> ${inline(problem.todo)}`, ''] : []),
    ...(acts.length > 0 ? [...table(outcomeTable(acts).map((row) => row.map(inline))), ''] : []),
    ...(hostTable(acts).length > 0 ? [...table(hostTable(acts).map((row) => row.map(inline))), ''] : []),
    ...acts.flatMap(({ name, title: what, findings }) => [
      `### ${inline(`${name}: ${what}`)}`,
      '',
      ...findings.flatMap(finding),
      '',
    ]),
    '### How it was played',
    '',
    ...boxLines(result).map((line) => `- ${inline(line)}`),
    `- ${inline(`engine ${engine}, ${pace} pace, ${programs.join(', ')}`)}`,
    `- ${inline(`started ${startedAt}, took ${formatDuration(wallSeconds)}`)}`,
    '',
  ].join('\n');
}
