import { LabError } from '../../base/errors.ts';
import { lineOf } from '../../talk/lines.ts';
import { type TcpServerCommand, tcpServerEventSchema } from '../../talk/tcp-server.ts';
import type { Server } from '../server.ts';

const PORT = 7000;

/**
 * A server of ours whose sockets do what the timeline says and nothing else (services/server/tcp): it answers each whole request
 * once, and neither closes nor speaks of its own accord. Its ledger is what it has told of while it ran.
 */
const tcp: Server = {
  port: PORT,
  can: ['push', 'close', 'half-close', 'abort', 'stop-reading', 'read-on', 'close-unread', 'listen', 'refuse'],
  ownTimers: ['heartbeatSeconds', 'socketTimeoutSeconds'],
  // Whatever a socket or a server can have.
  refuses: () => undefined,
  // It has no timer at all: there is nothing to stop.
  onlyServes: false,
  tellsAccepted: true,
  async start({ host, tuning, onEvent }) {
    const ledger: string[] = [];
    const waiting = new Map<number, (problem: string | undefined) => void>();
    let tokens = 0;
    const process = host.spawnModule('services/server/tcp', [], {
      as: `the tcp server on ${host.name}`,
      input: 'pipe',
      onLine: (line) => {
        const event = lineOf(line, tcpServerEventSchema);
        if (event === undefined) return;
        if (event.event === 'told') waiting.get(event.token)?.(undefined);
        else onEvent(event);
        if (event.event === 'applied') ledger.push(event.id);
        if (event.event === 'performed') waiting.get(event.token)?.(event.problem);
      },
    });
    const tell = (command: TcpServerCommand) => process.write(JSON.stringify(command));
    const answered = async (command: (token: number) => TcpServerCommand): Promise<string | undefined> => {
      const token = ++tokens;
      const answer = new Promise<string | undefined>((resolve) => waiting.set(token, resolve));
      tell(command(token));
      const problem = await answer;
      waiting.delete(token);
      return problem;
    };
    const { keepalive, userTimeoutSeconds, heartbeatSeconds, socketTimeoutSeconds } = tuning;
    tell({
      do: 'listen',
      addresses: host.addresses,
      port: PORT,
      ...(typeof keepalive === 'object' ? { keepalive } : {}),
      ...(userTimeoutSeconds === undefined ? {} : { userTimeoutSeconds }),
      ...(heartbeatSeconds === undefined ? {} : { heartbeatSeconds }),
      ...(socketTimeoutSeconds === undefined ? {} : { socketTimeoutSeconds }),
    });
    await process.line(/"event":"listening"/);
    return {
      process,
      async ledger() {
        // Its lines come in order: what it applied before has been told by then.
        await answered((token) => ({ do: 'tell', token }));
        return [...ledger];
      },
      async perform(verb, params, { of, spreadSeconds } = {}) {
        const problem = await answered((token) => ({
          do: 'perform',
          token,
          verb,
          params,
          ...(of === undefined ? {} : { of: { addresses: of.addresses, ids: of.ids.source } }),
          ...(spreadSeconds === undefined ? {} : { spreadSeconds }),
        }));
        if (problem !== undefined)
          throw new LabError(
            'STEP_FAILED',
            `${host.name} cannot ${verb}: ${problem}`,
            'look at what it is to do it on',
          );
      },
    };
  },
};
export default tcp;
