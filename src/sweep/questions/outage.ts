import { outlivesOutage } from '../../model/predict.ts';
import { type Comparison, survived } from './comparison.ts';

/** Whether it outlived a time in which nothing got through. */
export const outage: Comparison<'outage'> = ({ seconds }, { trial, outcome, hz }) => {
  const { client, server, box, quietSeconds } = trial;
  return survived(outlivesOutage({ client, server, middlebox: box.middlebox, quietSeconds, hz }, seconds), outcome);
};
