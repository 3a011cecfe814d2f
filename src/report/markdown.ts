import type { Finding, Result } from '../judge/result.ts';
import { formatDuration } from '../scenario/duration.ts';
import { outcomeTable } from './outcome-rows.ts';
import { paragraphs } from './text.ts';

const MARKS = { pass: '✅', fail: '❌', unknown: '⚠️', inconclusive: '⚠️' } as const;
const cell = (words: string): string => words.replaceAll('|', '\\|').replaceAll('\n', '<br>');

function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const line = (row: readonly string[]) => `| ${row.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...body.map(line)];
}

function finding({ status, title, observed, why, remedy }: Finding): string[] {
  return [
    `- ${MARKS[status]} **${title}**: ${observed}. ${why}`,
    ...remedy.flatMap(({ where, text }) => [
      `  - fix, ${where}:`,
      '    ```',
      ...text.split('\n').map((line) => `    ${line}`),
      '    ```',
    ]),
  ];
}

/** A scenario's result as Markdown. */
export function markdown(result: Result): string {
  const { title, story, verdict, acts, problem, engine, pace, versions, middlebox, startedAt, wallSeconds } = result;
  const played = `${middlebox.product}, idle timeout ${formatDuration(middlebox.idleTimeoutSeconds)}${pace === 'compressed' ? `, which stands for ${formatDuration(middlebox.productionIdleTimeoutSeconds)}` : ''}`;
  return [
    `## ${title}`,
    '',
    `${MARKS[verdict]} **${verdict}**: ${acts.map(({ name, verdict: each }) => `${name} ${each}`).join(', ')}`,
    '',
    ...paragraphs(story),
    '',
    ...(problem ? [`> ${problem.code}: ${problem.message}`, `> ${problem.todo}`, ''] : []),
    ...(acts.length > 0 ? [...table(outcomeTable(acts)), ''] : []),
    ...acts.flatMap(({ name, title: what, findings }) => [
      `### ${name}: ${what}`,
      '',
      ...findings.flatMap(finding),
      '',
    ]),
    '### How it was played',
    '',
    `- ${played}`,
    `- engine ${engine}, ${pace} pace, ${Object.entries(versions)
      .map(([program, version]) => `${program} ${version}`)
      .join(', ')}`,
    `- begun ${startedAt}, took ${formatDuration(wallSeconds)}`,
    '',
  ].join('\n');
}
