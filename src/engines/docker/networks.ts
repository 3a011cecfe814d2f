import { randomInt } from 'node:crypto';
import type { Network } from 'dockerode';
import type { ContainerRuntimeClient } from 'testcontainers';
import { LabError, messageOf } from '../../base/errors.ts';

/**
 * Networks of the lab are /24s of 198.19.0.0/16, the upper half of the block for benchmarks (RFC 2544): no real network can
 * be meant by them.
 */
const SUBNETS = 256;
const TRIES = 32;
const TAKEN = /overlap|already in use|conflict/i;

export interface LabNetwork {
  network: Network;
  name: string;
  /** The address with this last byte. */
  address(host: number): string;
}

/**
 * A network from which nothing leads anywhere: internal, and the machine itself has no address on it.
 * @param options `reachable`: the machine has an address on it, so that its own programs reach the containers
 * @throws LabError NO_NETWORK
 */
export async function createNetwork(
  client: ContainerRuntimeClient,
  name: string,
  labels: Record<string, string>,
  { reachable = false } = {},
): Promise<LabNetwork> {
  let last: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const net = randomInt(SUBNETS);
    try {
      const network = await client.network.create({
        Name: name,
        Driver: 'bridge',
        Internal: true,
        CheckDuplicate: true,
        EnableIPv6: false,
        IPAM: { Driver: 'default', Config: [{ Subnet: `198.19.${net}.0/24` }] },
        Options: reachable ? {} : { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
        Labels: labels,
      });
      return { network, name, address: (host) => `198.19.${net}.${host}` };
    } catch (error) {
      last = error;
      if (!TAKEN.test(messageOf(error))) break;
    }
  }
  throw new LabError(
    'NO_NETWORK',
    `the container engine refused a network of the lab: ${messageOf(last)}`,
    'docker network ls --filter label=idlelab.run shows those of labs that run now',
    last,
  );
}
