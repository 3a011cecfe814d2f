// Starts a balancer where its address cannot be reached; prints the error. Run by balancer.test.ts.
import type { StartedNetwork } from 'testcontainers';
import { LabError } from '../../src/base/errors.ts';
import { IdleTimeoutBalancer } from '../../src/testcontainers/index.ts';

const [name] = process.argv.slice(2) as [string];
const network = { getName: () => name } as StartedNetwork;
try {
  const box = await new IdleTimeoutBalancer(network, { upstreams: ['127.0.0.1:6379'], idleTimeout: 5 }).start();
  await box.stop();
  console.log('reached');
} catch (error) {
  console.log(error instanceof LabError ? `${error.code} ${error.message}` : error);
}
process.exit();
