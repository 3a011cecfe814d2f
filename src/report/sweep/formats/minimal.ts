import { forTerminalAll, withoutCommands } from '../../../base/escape/terminal.ts';
import type { SweepReporter } from '../reporter.ts';
import { answers, disagreementText } from '../say.ts';

const minimal: SweepReporter = {
  about: 'the answers alone, a line each',
  render(given) {
    const result = forTerminalAll(given);
    const lines = answers(result);
    if (result.disagreements.length > 0) lines.push(disagreementText(result.disagreements));
    return withoutCommands(`${lines.join('\n')}\n`);
  },
};
export default minimal;
