import { stepSummary } from '../../step-summary.ts';
import { markdown } from '../markdown.ts';
import type { SweepReporter } from '../reporter.ts';
import { headline } from '../say.ts';

const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const LEVELS = { pass: 'notice', fail: 'error', inconclusive: 'warning' } as const;
const MOST = 10;

const github: SweepReporter = {
  about: 'GitHub Actions: annotations, and a step summary where GITHUB_STEP_SUMMARY names one',
  render(result) {
    stepSummary(markdown(result, { settings: false }));
    return [
      `::${LEVELS[result.verdict]} title=${data(result.title).replaceAll(':', '%3A').replaceAll(',', '%2C')}::${data(headline(result))}`,
      ...result.disagreements
        .slice(0, MOST)
        .map(
          ({ trial, predicted, measured }) =>
            `::error title=not as predicted::${data(`${trial}: predicted ${predicted}, measured ${measured}`)}`,
        ),
      ...result.traps.map(({ title, seen }) => `::warning title=trap::${data(`${title}: ${seen}`)}`),
      '',
    ].join('\n');
  },
};
export default github;
