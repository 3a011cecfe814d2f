import { annotation } from '../../../base/escape/workflow.ts';
import { LEVELS } from '../../marks.ts';
import { markdown } from '../markdown.ts';
import type { SweepReporter } from '../reporter.ts';
import { headline } from '../say.ts';

const MOST = 10;

const github: SweepReporter = {
  about: 'GitHub Actions: annotations, and a step summary where GITHUB_STEP_SUMMARY names one',
  summary: (result) => markdown(result, { settings: false }),
  render: (result) =>
    [
      annotation(LEVELS[result.verdict], result.title, headline(result)),
      ...result.disagreements
        .slice(0, MOST)
        .map(({ trial, predicted, measured }) =>
          annotation('error', 'not as predicted', `${trial}: predicted ${predicted}, measured ${measured}`),
        ),
      ...result.traps.map(({ title, seen }) => annotation('warning', 'trap', `${title}: ${seen}`)),
      '',
    ].join('\n'),
};
export default github;
