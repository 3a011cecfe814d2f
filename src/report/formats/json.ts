import { json as text } from '../../base/escape/json.ts';
import type { Reporter } from '../reporter.ts';

const json: Reporter = {
  about: 'the result document (schemas/result.schema.json)',
  file: 'result.json',
  render: (result) => text(result, 2),
};
export default json;
