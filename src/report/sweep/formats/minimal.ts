import { forTerminalAll, withoutCommands } from '../../../base/escape/terminal.ts';
import type { SweepReporter } from '../reporter.ts';
import { answers, count } from '../say.ts';

const minimal: SweepReporter = {
  about: 'the answers alone, a line each',
  render(given) {
    const result = forTerminalAll(given);
    const wrong = result.disagreements.length;
    const lines = answers(result);
    if (wrong > 0) lines.push(`${count(wrong)} measurements are not what the model predicts`);
    return withoutCommands(`${lines.join('\n')}\n`);
  },
};
export default minimal;
