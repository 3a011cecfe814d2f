import type { SweepReporter } from '../reporter.ts';

const json: SweepReporter = {
  about: 'the result document (schemas/sweep-result.schema.json)',
  file: 'result.json',
  render: (result) => `${JSON.stringify(result, null, 1)}\n`,
};
export default json;
