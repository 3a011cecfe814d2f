import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LabError } from '../../base/errors.ts';
import { codeRoot, moduleExtension } from '../../base/root.ts';
import { keepDescriptors } from '../../linux/descriptors.ts';
import type { Job } from '../../plan/job.ts';
import type { ActRecord, Message } from '../../stage/record.ts';
import { messageIn } from '../../talk/lines.ts';
import type { Engine, RunOptions, Staged } from '../engine.ts';
import { refuseChosenKernel, refusesMissingModules } from '../real-time.ts';

const INNER_ID = '1';

/**
 * How the lab leaves this machine behind: user, network, mount, IPC and process namespaces of its own, which all end with
 * their first process. Inside, the lab's own process is an ordinary user that keeps the capabilities over these namespaces.
 * What it starts on a host has neither these nor this machine's files (view.ts). /run is the lab's own, for its evidence.
 */
export const UNSHARE = [
  ...['--user', `--map-user=${INNER_ID}`, `--map-group=${INNER_ID}`, '--keep-caps'],
  ...['--net', '--mount', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'],
] as const;

const ENTER = 'mount -t tmpfs -o mode=755 idlelab /run && exec "$@"';
const SYSTEM_FOLDERS = '/usr/sbin:/sbin:/usr/bin:/bin';

/** Starts a command as the first process of a new lab. Its standard input is its lifeline: when that closes, it ends. */
export function enterLab(command: readonly string[]) {
  keepDescriptors();
  return spawn('unshare', [...UNSHARE, 'sh', '-c', ENTER, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own: a Ctrl-C is for us to handle, not for the programs of the lab.
    detached: true,
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:${SYSTEM_FOLDERS}` },
  });
}

/** Plays a job in a lab of its own. */
function play(job: Job, folder: string, { onMessage, signal }: RunOptions): Promise<Staged> {
  const inside = join(codeRoot, `src/engines/netns/inside${moduleExtension}`);
  const child = enterLab([process.execPath, inside, folder]);
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let errors = '';
  const remember = (text: string) => {
    errors = (errors + text).slice(-4000);
  };
  child.stderr.setEncoding('utf8').on('data', remember);
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const closed = new Promise<string>((resolve) => {
    child.once('close', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`));
  });
  const acts: ActRecord[] = [];
  return new Promise<Staged>((resolve, reject) => {
    const staged = (more: Pick<Staged, 'versions' | 'memoryMb' | 'problem'>) =>
      resolve({
        acts,
        waitedSeconds: 0,
        ...more,
        async [Symbol.asyncDispose]() {
          signal.removeEventListener('abort', stop);
          child.stdin.end();
          await closed;
        },
      });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = messageIn<Message>(line);
      if (message === undefined) {
        remember(`${line}\n`);
        return;
      }
      onMessage(message);
      if (message.type === 'played') acts.push(message.act);
      if (message.type === 'done')
        staged({ versions: message.versions, memoryMb: message.memoryMb, problem: undefined });
      if (message.type === 'error') {
        const problem = LabError.fromJSON(message.error);
        if (problem.leavesEvidence) staged({ versions: message.versions, memoryMb: 0, problem });
        else {
          child.stdin.end();
          reject(problem);
        }
      }
    });
    child.once('error', (error) =>
      reject(new LabError('MISSING_TOOL', `cannot run unshare: ${error.message}`, 'install util-linux', error)),
    );
    void closed.then((how) => {
      signal.removeEventListener('abort', stop);
      reject(diagnose(how, errors.trim()));
    });
  });
}

export const netns: Engine = {
  name: 'netns',
  sideBySide: false,
  realTime: true,
  refuses: refusesMissingModules,
  async run(job, folder, options) {
    refuseChosenKernel(job);
    return play(job, folder, options);
  },
};

/** Why the lab's process ended without having told so itself. */
function diagnose(how: string, errors: string): LabError {
  if (/^(unshare|mount): /m.test(errors))
    return new LabError(
      'NO_NAMESPACES',
      `this machine does not allow the lab its own namespaces: ${errors}`,
      'run as root, or allow user namespaces (sysctl user.max_user_namespaces > 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0); in a container, start it with --privileged or use a virtual machine',
    );
  return new LabError(
    'ENGINE_DIED',
    `the lab's process ended unexpectedly (${how})${errors ? `:\n${errors}` : ''}`,
    'run again; if it stays so, this is a defect of idlelab: please report it',
  );
}
