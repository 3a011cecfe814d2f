// What happens to a host as a whole: its links, its power, its programs.
import type { Doing, Refusal } from '../plan/known.ts';
import { actionsOf, type HostPlan, ownerOf } from '../plan/plan.ts';
import type { Cast } from './cast.ts';
import type { Lab, LabHost } from './lab.ts';
import type { VerbContext } from './verb.ts';

type Where = Pick<VerbContext, 'lab' | 'cast' | 'host'>;

/** Pulls the cables of a host, unless they are pulled. */
export async function cutLinks({ lab, cast, host }: Where): Promise<void> {
  if (cast.cut.has(host.name)) return;
  cast.cut.add(host.name);
  await lab.host(host.name).setLinks(false);
}

/** Plugs them in again, where they were pulled. */
export async function mendLinks({ lab, cast, host }: Where): Promise<void> {
  if (cast.cut.delete(host.name)) await lab.host(host.name).setLinks(true);
}

/** Whether a timeline has a host boot, now or later. */
const boots = ({ act }: Cast, plan: HostPlan): boolean =>
  act.timeline
    .flatMap(actionsOf)
    .some(({ host, action }) => BOOTING.has(action) && (host === plan.name || host === ownerOf(plan)));

const BOOTING = new Set(['reboot', 'fail-over']);

/**
 * The host is gone at once: links first, so that not even its dying sockets' FIN or RST come out, then its processes. Where it is
 * to boot, its kernel must have forgotten its sockets by then. That is done while programs hold them: tcp_abort() leaves those
 * alone that have lost theirs (SOCK_DEAD), and they would send FIN again once the links are back.
 */
export async function powerOff(where: Where): Promise<void> {
  const { lab, cast, host: plan } = where;
  const host = lab.host(plan.name);
  const again = boots(cast, plan) && !host.gone;
  host.gone = true;
  await cutLinks(where);
  if (again) {
    await cast.unpark(plan.name);
    await signalAll(host, 'STOP');
    await host.dropSockets();
  }
  await cast.kill(plan.name);
  host.frozen = false;
}

/** Rules that a fault of this lab needs, and no box has made. */
const LABS_OWN = /^cut-/;

/** Why a box cannot be had without its table while its kernel runs; undefined where it can, and for any other host. */
export const keepsItsTable = ({ box }: Doing): Refusal | undefined =>
  box?.keepsTable === undefined
    ? undefined
    : { what: box.keepsTable, todo: 'take a box that is played by connection tracking or by a proxy' };

/** Takes all rules away that were loaded into a box's kernel, and has it forget its flows. */
export async function loseTables(host: LabHost): Promise<void> {
  const tables = (await host.run('nft', ['list', 'tables'], { privileged: true }))
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([word, , name]) => word === 'table' && name !== undefined && !LABS_OWN.test(name));
  const rules = tables.map(([, family, name]) => `delete table ${family} ${name}\n`).join('');
  if (rules !== '') await host.run('nft', ['-f', '-'], { input: rules, privileged: true });
  await host.forgetFlows();
}

/**
 * The host comes up after `powerOff`: its kernel knows of no socket and no flow. Its programs run before its links are
 * up, so that nothing meets a kernel without its rules.
 */
export async function powerOn(where: Where): Promise<void> {
  const { lab, cast, host } = where;
  const there = lab.host(host.name);
  if (host.role === 'middlebox') await loseTables(there);
  there.gone = false;
  await cast.startAgain(host);
  await mendLinks(where);
}

/** Stops or continues all programs of a host. Its kernel goes on. */
const signalAll = (host: LabHost, name: 'STOP' | 'CONT'): Promise<string> =>
  // All that this one may signal, but for itself and the first of the host's processes (kill(2)).
  host.run('sh', ['-c', `kill -s ${name} -- -1`]);

export async function freeze(lab: Lab, cast: Cast, plan: HostPlan): Promise<void> {
  const host = lab.host(plan.name);
  const server = cast.servers.get(plan.name);
  // Nobody can be asked who does not run, and nothing is applied until it does.
  if (server) server.remembered = await server.started.ledger();
  await cast.unpark(plan.name);
  host.frozen = true;
  await signalAll(host, 'STOP');
}

export async function thaw(lab: Lab, cast: Cast, plan: HostPlan): Promise<void> {
  const host = lab.host(plan.name);
  await signalAll(host, 'CONT');
  host.frozen = false;
  delete cast.servers.get(plan.name)?.remembered;
  cast.park(plan.name);
}
