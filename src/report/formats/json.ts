import { json as text } from '../../base/escape/json.ts';
import type { Reporter } from '../reporter.ts';

const json: Reporter = {
  about: 'the result document (schemas/result.schema.json), of several scenarios an array of them',
  file: 'result.json',
  several: { before: '[\n', between: ',\n', after: ']\n' },
  render: (result) => text(result, 2),
};
export default json;
