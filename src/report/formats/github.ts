import { markdown } from '../markdown.ts';
import type { Reporter } from '../reporter.ts';
import { stepSummary } from '../step-summary.ts';

// Workflow commands: docs.github.com/actions/reference/workflow-commands
const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
const LEVELS = { fail: 'error', unknown: 'warning', pass: 'notice' } as const;

const github: Reporter = {
  about: 'GitHub Actions: annotations, and a step summary where GITHUB_STEP_SUMMARY names one',
  render(result) {
    const { scenario, acts, verdict, problem } = result;
    stepSummary(markdown(result));
    return [
      ...acts.flatMap((act) =>
        act.findings
          .filter(({ status }) => status !== 'pass')
          .map(
            ({ status, id, title, expected, observed }) =>
              `::${LEVELS[status]} title=${property(`${scenario}, ${act.name}: ${id}`)}::${data(`${title}\nexpected: ${expected}\nobserved: ${observed}`)}`,
          ),
      ),
      ...(problem
        ? [
            `::warning title=${property(`${scenario}: ${problem.code}`)}::${data(`${problem.message}\n${problem.todo}`)}`,
          ]
        : []),
      `::${verdict === 'pass' ? 'notice' : verdict === 'fail' ? 'error' : 'warning'} title=${property(`idlelab ${scenario}`)}::${verdict}`,
      '',
    ].join('\n');
  },
};
export default github;
