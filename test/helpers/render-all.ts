// Renders every report of a scenario and of a sweep and prints them: as a process of its own, so that it can be run without
// the right to write. The document is frozen.
import { createHash } from 'node:crypto';
import { REPORTERS } from '../../src/report/catalogue.ts';
import { SWEEP_REPORTERS } from '../../src/report/sweep/catalogue.ts';
import { fullResult, fullSweep } from './hostile.ts';

function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object') for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

const CONTEXT = Object.freeze({ columns: 100, color: true, folder: 'runs/x/y' });
const [result, sweep] = [frozen(await fullResult()), frozen(fullSweep())];
const digests: Record<string, string> = {};
const keep = (name: string, text: string) => {
  digests[name] = createHash('sha256').update(text).digest('hex');
};
for (const name of REPORTERS.names()) {
  const { default: reporter } = await REPORTERS.load(name);
  keep(`scenario ${name}`, reporter.render(result, CONTEXT));
  if (reporter.summary) keep(`scenario ${name} summary`, reporter.summary(result));
}
for (const name of SWEEP_REPORTERS.names()) {
  const { default: reporter } = await SWEEP_REPORTERS.load(name);
  keep(`sweep ${name}`, await reporter.render(sweep, CONTEXT));
  if (reporter.summary) keep(`sweep ${name} summary`, reporter.summary(sweep));
}
console.log(JSON.stringify(digests));
