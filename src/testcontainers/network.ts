import { randomBytes } from 'node:crypto';
import { getReaper, LABEL_TESTCONTAINERS_SESSION_ID, StartedNetwork } from 'testcontainers';
import { containerEngine } from '../engines/docker/client.ts';
import { createNetwork } from '../engines/docker/networks.ts';

/**
 * A network for a test, with a subnet of 198.19.0.0/16 (the block for benchmarks, RFC 2544), from which nothing leads out.
 * Tests on this machine reach its containers by their own addresses, as packets really go; ports of theirs cannot be published
 * (`withExposedPorts`) there: wait for a log message instead.
 * @throws LabError NO_DOCKER, NO_NETWORK
 */
export async function labNetwork(): Promise<StartedNetwork> {
  const client = await containerEngine();
  const { sessionId } = await getReaper(client);
  const name = `idlelab-test-${randomBytes(6).toString('hex')}`;
  const labels = { [LABEL_TESTCONTAINERS_SESSION_ID]: sessionId, 'org.testcontainers': 'true' };
  const { network } = await createNetwork(client, name, labels, { reachable: true });
  return new StartedNetwork(client, name, network);
}
