import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { packageRoot } from '../../src/root.ts';

// One hostile program, the same on every engine: what it must not be able to do, and how that is told.

const BEFORE = 'as it was\n';

export const SCENARIO = `title: Hostile
hosts:
  pool: { client: ioredis, connections: 1 }
  balancer: { middlebox: l4-reset-both, idleTimeout: 60s }
  mq: { broker: redis, count: 2 }
timeline:
  - pool: connect
acts:
  one: { expect: [ { zombies: { at: mq, exactly: 0 } } ] }
`;

/** What the hostile program is after: things of this machine that anybody here may have. */
export class Targets {
  readonly scratch: string = mkdtempSync(join(tmpdir(), 'idlelab-test-isolation-'));
  readonly scenario: string = join(this.scratch, 'hostile.yaml');
  readonly runs: string = join(this.scratch, 'runs');
  readonly #servers: import('node:net').Server[] = [];
  readonly #abstract = `idlelab-test-${process.pid}`;
  readonly folder: string = join(this.scratch, 'open');
  readonly file: string = join(this.scratch, 'open/file');
  #program = '';

  async open(koffi: string = join(packageRoot, 'node_modules/koffi')): Promise<this> {
    chmodSync(this.scratch, 0o777);
    for (const folder of [this.folder, this.runs]) {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    }
    writeFileSync(this.scenario, SCENARIO);
    writeFileSync(this.file, BEFORE);
    chmodSync(this.file, 0o666);
    const socket = join(this.folder, 'socket');
    const listen = async (where: object) => {
      const server = createServer((each) => each.destroy()).listen(where);
      this.#servers.push(server);
      await once(server, 'listening');
      return server;
    };
    const { port } = (await listen({ port: 0, host: '0.0.0.0' })).address() as AddressInfo;
    await listen({ path: `\0${this.#abstract}` });
    await listen({ path: socket });
    chmodSync(socket, 0o666);
    const address =
      Object.values(networkInterfaces())
        .flat()
        .find((each) => each?.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.2';
    const given = {
      ...{ koffi, file: this.file, folder: this.folder, code: join(packageRoot, 'services'), runs: this.runs },
      ...{ port, address, abstract: this.#abstract, socket },
    };
    this.#program = `const GIVEN = ${JSON.stringify(given)};\n${readFileSync(join(import.meta.dirname, 'hostile.cjs'), 'utf8')}`;
    return this;
  }

  /** The hostile program's text. */
  get program(): string {
    return this.#program;
  }

  /** A folder in which it is called redis-server, to stand first in a PATH. */
  asServer(folder: string = join(this.scratch, 'bin')): string {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'redis-server'), `#!${process.execPath}\n${this.#program}`, { mode: 0o755 });
    chmodSync(folder, 0o755);
    return folder;
  }

  /** Everything was tried, nothing was done. @param printed among it the program's own line */
  expectAllRefused(printed: string): void {
    const line = /^\s*hostile (\{.*\})$/m.exec(printed)?.[1];
    if (line === undefined) throw new Error(`the hostile program said nothing: ${printed}`);
    const outcomes = JSON.parse(line) as Record<string, string>;
    expect(Object.keys(outcomes).length).toBeGreaterThan(30);
    expect(Object.entries(outcomes).filter(([, outcome]) => !outcome.startsWith('refused'))).toEqual([]);
    this.expectUntouched();
  }

  /** Its file is as it was. */
  expectUntouched(): void {
    expect(readFileSync(this.file, 'utf8')).toBe(BEFORE);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}
