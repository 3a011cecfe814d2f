import { annotation } from '../../base/escape/workflow.ts';
import { markdown } from '../markdown.ts';
import { LEVELS } from '../marks.ts';
import type { Reporter } from '../reporter.ts';

const github: Reporter = {
  about: 'GitHub Actions: annotations, and a step summary where GITHUB_STEP_SUMMARY names one',
  summary: markdown,
  render({ scenario, acts, verdict, problem }) {
    const open = acts.flatMap((act) =>
      act.findings
        .filter(({ status }) => status !== 'pass')
        .map(({ status, id, title, expected, observed }) =>
          annotation(
            LEVELS[status],
            `${scenario}, ${act.name}: ${id}`,
            `${title}\nexpected: ${expected}\nobserved: ${observed}`,
          ),
        ),
    );
    return [
      ...open,
      ...(problem
        ? [annotation('warning', `${scenario}: ${problem.code}`, `${problem.message}\n${problem.todo}`)]
        : []),
      annotation(LEVELS[verdict], `idlelab ${scenario}`, verdict),
      '',
    ].join('\n');
  },
};
export default github;
