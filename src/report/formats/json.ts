import type { Reporter } from '../reporter.ts';

const json: Reporter = {
  about: 'the result document (schemas/result.schema.json)',
  file: 'result.json',
  render: (result) => `${JSON.stringify(result, null, 2)}\n`,
};
export default json;
