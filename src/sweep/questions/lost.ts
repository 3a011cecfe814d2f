import { type Comparison, survived } from './comparison.ts';

/** Whether it outlived so many lost packets in a row. */
export const lost: Comparison<'lost'> = ({ count }, { outcome, prediction }) =>
  survived(prediction.survivesLost[count - 1] ?? 'maybe', outcome);
