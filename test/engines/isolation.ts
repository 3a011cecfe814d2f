import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { expect } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';

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

/** By attempt, what the kernel answers where it is refused. Anything else, a missing tool among it, is not a refusal. */
const REFUSALS: Record<string, readonly string[]> = {
  'use an inherited descriptor': ['none'],
  // ENOSYS: a kernel without keys, or without io_uring.
  'read the caller’s kernel keys': ['EPERM', 'ENOSYS'],
  'set up an io_uring': ['EPERM', 'ENOSYS'],
  'write to a file of the machine': ['ENOENT'],
  'make a file in a folder of the machine': ['ENOENT'],
  'read a file of the machine': ['ENOENT'],
  'write beside the machine’s programs': ['EROFS', 'EACCES'],
  'write into the lab’s own code': ['EROFS', 'EACCES', 'ENOENT'],
  'see runs and evidence': ['ENOENT'],
  'write to a file through the root of another process': ['no other process'],
  'open a disk': ['nothing to try'],
  'make a device': ['EPERM'],
  'connect to a server on the machine’s 127.0.0.1': ['ECONNREFUSED'],
  'connect to a server on an address of the machine': ['ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED', 'no answer'],
  'connect to an abstract socket of the machine': ['ECONNREFUSED'],
  'connect to a socket file of the machine': ['ENOENT'],
  'connect to the container engine': ['ENOENT'],
  'leave its mounts': ['EPERM'],
  'become root in a user namespace': ['No space left on device', 'Operation not permitted'],
  'enter the first process’s namespaces': ['EACCES', 'EPERM'],
  'load a module': ['EPERM'],
  reboot: ['EPERM'],
  'open the magic key': ['EROFS', 'EACCES', 'ENOENT'],
  'set a sysctl of its network': ['EROFS', 'EACCES'],
  'set a sysctl of the machine': ['EROFS', 'EACCES'],
  'send raw packets': ['EPERM'],
  'listen to all packets': ['EPERM'],
  'change the packet filter': ['EPERM'],
  'see another host’s programs': ['no other process'],
  'kill another host’s program': ['no other process'],
  'trace another host’s program': ['no other process'],
  'have a capability': ['none'],
  'gain privileges by a program': ['no_new_privs'],
  'read the caller’s environment': ['not set'],
  'mount the root again, writable': ['EPERM'],
  'mount something': ['EPERM'],
  'mount the machine’s files where the kernel could': ['EPERM'],
  unmount: ['EPERM'],
};

/** What a program outside of a lab can do without harm, as root of namespaces of its own: there these attempts must work. */
const CONTROLLED = [
  'use an inherited descriptor',
  'read the caller’s kernel keys',
  'write to a file of the machine',
  'make a file in a folder of the machine',
  'read a file of the machine',
  'see runs and evidence',
  'write to a file through the root of another process',
  'connect to a socket file of the machine',
  'become root in a user namespace',
  'enter the first process’s namespaces',
  'set a sysctl of its network',
  'send raw packets',
  'listen to all packets',
  'change the packet filter',
  'see another host’s programs',
  'kill another host’s program',
  'trace another host’s program',
  'have a capability',
  'gain privileges by a program',
  'read the caller’s environment',
  'mount something',
  'unmount',
  'leave its mounts',
];

function outcomesIn(printed: string): Record<string, string> {
  const line = /^\s*hostile (\{.*\})$/m.exec(printed)?.[1];
  if (line === undefined) throw new Error(`the hostile program said nothing: ${printed}`);
  return JSON.parse(line) as Record<string, string>;
}

const ENOSYS = 38;
const [SYS_ADD_KEY, SYS_KEYCTL] = process.arch === 'arm64' ? [217, 219] : [248, 250];
const [KEYCTL_GET_KEYRING_ID, KEYCTL_REVOKE, KEYCTL_UNLINK, KEY_SPEC_USER_KEYRING] = [0, 3, 9, -4];

/** A key in our user's keyring, both by their numbers; 0 where the kernel has no keys. */
class Key {
  readonly keyring: number;
  readonly key: number;
  readonly #keyctl: (...args: number[]) => number;

  constructor(name: string) {
    const libc = koffi.load('libc.so.6');
    this.#keyctl = libc.func('long syscall(long, long, long, long)');
    const addKey = libc.func('long syscall(long, const char *, const char *, const char *, size_t, int)');
    this.key = Number(addKey(SYS_ADD_KEY, 'user', name, BEFORE, BEFORE.length, KEY_SPEC_USER_KEYRING));
    if (this.key < 0 && koffi.errno() !== ENOSYS) throw new Error(`add_key failed with errno ${koffi.errno()}`);
    this.key = Math.max(0, this.key);
    this.keyring =
      this.key === 0 ? 0 : Number(this.#keyctl(SYS_KEYCTL, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0));
  }

  close(): void {
    if (this.key === 0) return;
    this.#keyctl(SYS_KEYCTL, KEYCTL_REVOKE, this.key, 0);
    this.#keyctl(SYS_KEYCTL, KEYCTL_UNLINK, this.key, KEY_SPEC_USER_KEYRING);
  }
}

/** What the hostile program is after: things of this machine that anybody here may have. */
export class Targets {
  readonly scratch: string = mkdtempSync(join(tmpdir(), 'idlelab-test-isolation-'));
  readonly scenario: string = join(this.scratch, 'hostile.yaml');
  readonly runs: string = join(this.scratch, 'runs');
  readonly #servers: import('node:net').Server[] = [];
  readonly #abstract = `idlelab-test-${process.pid}`;
  readonly folder: string = join(this.scratch, 'open');
  readonly file: string = join(this.scratch, 'open/file');
  #key: Key | undefined;
  #given: object = {};

  async open(koffi: string = join(packageRoot, 'node_modules/koffi')): Promise<this> {
    chmodSync(this.scratch, 0o777);
    for (const folder of [this.folder, this.runs]) {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    }
    writeFileSync(this.scenario, SCENARIO);
    writeFileSync(this.file, BEFORE);
    chmodSync(this.file, 0o666);
    this.#key = new Key(`idlelab-test-${process.pid}`);
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
    this.#given = {
      ...{ koffi, file: this.file, folder: this.folder, code: join(packageRoot, 'services'), runs: this.runs },
      ...{ port, address, abstract: this.#abstract, socket, keyring: this.#key.keyring, key: this.#key.key },
    };
    return this;
  }

  /**
   * Before a command: a careless caller, who passes on a file of the machine and a folder. Node.js keeps the first numbers from
   * what it starts, but not those after a gap.
   */
  get careless(): readonly string[] {
    return ['bash', '-c', `exec 37>>'${this.file}' 41<'${this.folder}'; exec "$@"`, 'bash'];
  }

  /** The hostile program's text. */
  get program(): string {
    return this.#programWith({});
  }

  #programWith(more: object): string {
    const text = readFileSync(join(import.meta.dirname, 'hostile.cjs'), 'utf8');
    return `const GIVEN = ${JSON.stringify({ ...this.#given, ...more })};\n${text}`;
  }

  /** A folder in which it is called redis-server, to stand first in a PATH. */
  asServer(folder: string = join(this.scratch, 'bin')): string {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'redis-server'), `#!${process.execPath}\n${this.program}`, { mode: 0o755 });
    chmodSync(folder, 0o755);
    return folder;
  }

  /** Everything was tried, and refused in the way that the lab means it. @param left what this engine leaves to others to refuse */
  expectAllRefused(printed: string, left: readonly string[] = []): void {
    const outcomes = outcomesIn(printed);
    expect(Object.keys(outcomes).sort()).toEqual(Object.keys(REFUSALS).sort());
    const otherwise = Object.entries(outcomes).filter(
      ([attempt, outcome]) =>
        !left.includes(attempt) && !REFUSALS[attempt]?.some((refusal) => outcome === `refused: ${refusal}`),
    );
    expect(otherwise).toEqual([]);
    this.expectUntouched();
  }

  /** The same program does these things where it is not in a lab: otherwise to see it refused would tell nothing. */
  expectControlToWork(): void {
    const attempts = CONTROLLED.filter((attempt) => !attempt.includes('keys') || this.#key?.key !== 0);
    const file = join(this.scratch, 'control.cjs');
    writeFileSync(file, this.#programWith({ only: attempts }));
    const [shell, ...command] = [
      ...this.careless,
      'unshare',
      ...['--user', '--map-root-user', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', '-c', 'sleep 1000 & "$1" "$2"; exit 0', 'sh', process.execPath, file],
    ] as [string, ...string[]];
    const { stdout, stderr } = spawnSync(shell, command, {
      encoding: 'utf8',
      env: { ...process.env, IDLELAB_TEST_SECRET: 'not for the lab' },
    });
    const outcomes = outcomesIn(`${stdout}\n${stderr}`);
    expect(Object.keys(outcomes).sort()).toEqual([...attempts].sort());
    expect(Object.entries(outcomes).filter(([, outcome]) => !outcome.startsWith('DONE'))).toEqual([]);
    expect(readFileSync(this.file, 'utf8')).not.toBe(BEFORE);
  }

  /** Its file is as it was. */
  expectUntouched(): void {
    expect(readFileSync(this.file, 'utf8')).toBe(BEFORE);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    this.#key?.close();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}
