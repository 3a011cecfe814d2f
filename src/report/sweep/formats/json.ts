import { json as text } from '../../../base/escape/json.ts';
import type { SweepReporter } from '../reporter.ts';

const json: SweepReporter = {
  about: 'the result document (schemas/sweep-result.schema.json)',
  file: 'result.json',
  render: (result) => text(result, 1),
};
export default json;
