import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LabError } from '../../errors.ts';
import type { ActRecord, Message } from '../../lab/record.ts';
import { codeRoot, moduleExtension } from '../../root.ts';
import type { Plan } from '../../scenario/plan.ts';
import type { Engine, Staged } from '../engine.ts';

const INNER_ID = '1';

/**
 * How the lab leaves this machine behind: own user, network, mount and process namespaces, which all end with their
 * first process. Inside, we are an ordinary user who keeps the capabilities over these namespaces: tcpdump would try to
 * change from root to a user that does not exist there. /run is our own, for `ip netns`.
 */
export const UNSHARE = [
  ...['--user', `--map-user=${INNER_ID}`, `--map-group=${INNER_ID}`, '--keep-caps'],
  ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
] as const;

const ENTER = 'mount -t tmpfs -o mode=755 idlelab /run && exec "$@"';
const SYSTEM_FOLDERS = '/usr/sbin:/sbin:/usr/bin:/bin';

/** Starts a command as the first process of a new lab. Its standard input is its lifeline: when that closes, it ends. */
export function enterLab(command: readonly string[]) {
  return spawn('unshare', [...UNSHARE, 'sh', '-c', ENTER, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own: a Ctrl-C is for us to handle, not for the programs of the lab.
    detached: true,
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:${SYSTEM_FOLDERS}` },
  });
}

export const netns: Engine = {
  name: 'netns',
  async stage(plan: Plan, folder: string, { onMessage, signal }): Promise<Staged> {
    const scratch = mkdtempSync(join(tmpdir(), 'idlelab-'));
    const planFile = join(scratch, 'plan.json');
    try {
      writeFileSync(planFile, JSON.stringify(plan));
      return await run(planFile, folder, onMessage, signal);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};

function run(
  planFile: string,
  folder: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<Staged> {
  const child = enterLab([
    process.execPath,
    join(codeRoot, `src/engines/netns/inside${moduleExtension}`),
    planFile,
    folder,
  ]);
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const acts: ActRecord[] = [];
  let done: Omit<Staged, 'acts'> | undefined;
  let failed: LabError | undefined;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    if (message.type === 'played') acts.push(message.act);
    if (message.type === 'done') done = { versions: message.versions, memoryMb: message.memoryMb };
    if (message.type === 'error') failed = LabError.fromJSON(message.error);
    onMessage(message);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new LabError('MISSING_TOOL', `cannot run unshare: ${error.message}`, 'install util-linux', error)),
    );
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      if (done) resolve({ acts, ...done });
      else if (failed) reject(failed);
      else if (/^unshare: /m.test(errors) || /^mount: /m.test(errors))
        reject(
          new LabError(
            'NO_NAMESPACES',
            `this machine does not allow the lab its own namespaces: ${errors.trim()}`,
            'run as root, or allow user namespaces (sysctl user.max_user_namespaces > 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0); in a container, start it with --privileged or use a virtual machine',
          ),
        );
      else
        reject(
          new LabError(
            'ENGINE_DIED',
            `the lab's process ended unexpectedly (${killedBy ?? `exit code ${code}`})${errors ? `:\n${errors.trim()}` : ''}`,
            'run again; if it stays so, this is a defect of idlelab: please report it',
          ),
        );
    });
  });
}
