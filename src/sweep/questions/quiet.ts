import type { Outcome } from '../../plan/trial.ts';
import { type Comparison, intervalText, timeText } from './comparison.ts';
import { agreesWith } from './heard.ts';

/** What the first request after the quiet met, how long that took, and whether the server was left with a zombie. */
export const quiet: Comparison<'quiet'> = (_, { outcome, prediction, patienceSeconds }) => {
  const { firstRequest, timeoutSeconds, zombie } = prediction;
  const { met } = outcome;
  const allowed: readonly Outcome['met'][] = [...firstRequest];
  const inTime = met !== 'timeout' || agreesWith(outcome.seconds, timeoutSeconds, patienceSeconds);
  const left =
    outcome.zombie === undefined || zombie === 'maybe' || (zombie === 'yes') === outcome.zombie || met === 'ok';
  return {
    agrees: allowed.includes(met) && inTime && left,
    predicted: `${allowed.join(' or ')}${firstRequest.has('timeout') ? ` after ${intervalText(timeoutSeconds)}` : ''}${zombie === 'no' ? '' : `, zombie: ${zombie}`}`,
    measured: `${met ?? 'nothing'}${met === 'timeout' ? ` after ${timeText(outcome.seconds, patienceSeconds)}` : ''}${outcome.zombie ? ', zombie' : ''}`,
  };
};
