import { type Comparison, intervalText, timeText } from './comparison.ts';
import { agreesWith } from './heard.ts';

/** When each side noticed that its peer was gone. */
export const dead: Comparison<'dead'> = ({ inFlight }, { outcome, prediction }) => {
  const watched = outcome.watchedSeconds ?? 0;
  const sides = (['client', 'server'] as const).map((side) => ({
    side,
    predicted: prediction.deadPeer[side][inFlight ? 'inFlight' : 'idle'],
    measured: outcome.noticed?.[side],
  }));
  return {
    agrees: sides.every(({ predicted, measured }) => agreesWith(measured, predicted, watched)),
    predicted: sides.map(({ side, predicted }) => `${side}: ${intervalText(predicted)}`).join(', '),
    measured: sides.map(({ side, measured }) => `${side}: ${timeText(measured, watched)}`).join(', '),
  };
};
