import type { SweepReporter } from '../reporter.ts';
import { answers, count } from '../say.ts';

const minimal: SweepReporter = {
  about: 'the answers alone, a line each',
  render: (result) =>
    `${[...answers(result), ...(result.disagreements.length > 0 ? [`${count(result.disagreements.length)} measurements are not what the model predicts`] : [])].join('\n')}\n`,
};
export default minimal;
