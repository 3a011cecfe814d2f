import { PassThrough } from 'node:stream';
import type { Container } from 'dockerode';
import { describe, expect, it } from 'vitest';
import { ContainerHost } from '../../../src/engines/docker/container.ts';

const HELLO = {
  hello: { hz: 250, kernel: '6.1', node: 'v24', interfaces: [{ index: 2, name: 'eth0', address: '198.19.1.2' }] },
};

/** A host whose container is a pair of streams. */
function fake() {
  const stream = new PassThrough();
  const written: string[] = [];
  const container = {
    modem: { demuxStream: (_: unknown, output: PassThrough) => said.pipe(output, { end: false }) },
  } as unknown as Container;
  const said = new PassThrough();
  stream.on('data', (text) => written.push(String(text)));
  const place = {
    name: 'mq-1',
    addresses: ['198.19.1.2'],
    towards: { edge: '198.19.1.2' },
    serviceAddress: undefined,
    linkNames: { '198.19.1.2': 'brokers' },
  };
  const host = new ContainerHost(place, container, stream);
  const say = (...lines: object[]) => {
    for (const line of lines) said.write(`${JSON.stringify(line)}\n`);
  };
  return { host, say, stream, written };
}

describe('the stream of a container', () => {
  it('brings what the host says of itself', async () => {
    const { host, say } = fake();
    say({ n: 1, ...HELLO });
    expect(await host.ready()).toMatchObject({ hz: 250 });
    expect([...host.interfaces]).toEqual([[2, 'brokers']]);
  });

  it('answers the question that was asked', async () => {
    const { host, say, written } = fake();
    say({ n: 1, ...HELLO });
    await host.ready();
    const answer = host.run('nft', ['list', 'ruleset'], { privileged: true });
    const asked = JSON.parse(written[0] as string) as { id: number; ask: string; with: unknown };
    expect(asked).toMatchObject({ ask: 'run', with: { program: 'nft', args: ['list', 'ruleset'] } });
    say({ n: 2, answer: asked.id, value: 'table inet' });
    expect(await answer).toBe('table inet');
  });

  it('that loses a line is an error, and no evidence without it', async () => {
    const { host, say } = fake();
    say({ n: 1, ...HELLO });
    await host.ready();
    const pending = host.flows();
    say({ n: 3, answer: 1, value: [] });
    await expect(host.died).rejects.toThrow(/lost lines of what mq-1 said/);
    await expect(pending).rejects.toThrow(/lost lines/);
  });

  it('that ends although nobody asked for it is the host’s death, and its programs’ after it', async () => {
    const { host, say, stream } = fake();
    say({ n: 1, ...HELLO });
    await host.ready();
    const server = host.spawn('redis-server', []);
    stream.destroy();
    await expect(host.died).rejects.toThrow(/the container of mq-1 ended unexpectedly/);
    await expect(server.died).rejects.toThrow(/redis-server on mq-1 died during the run \(signal SIGKILL\)/);
  });
});
