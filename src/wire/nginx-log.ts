// What nginx's stream module tells of its sessions, by its error log at level "info" (ngx_stream_handler.c, ngx_stream_proxy_module.c):
//
//   … [info] 12#12: *7 client 198.18.10.2:40000 connected to 198.18.0.1:6379
//   … [info] 12#12: *7 proxy 198.18.101.1:41000 connected to 198.18.101.2:6379
//   … [info] 12#12: *7 connection timed out (110: Connection timed out) while proxying connection, …, bytes from/to client:3/5, …
//
// The number after the asterisk is the session's. Times are whole seconds there, so those at which lines came are taken instead.
import { endpointText, parseEndpoint } from './endpoint.ts';
import type { ProxyLogEntry, ProxySession } from './haproxy-log.ts';

const CLIENT = /\[info\] \d+#\d+: \*(\d+) client (\S+) connected to \S+$/;
const PROXY = /\[info\] \d+#\d+: \*(\d+) proxy (\S+) connected to (\S+)$/;
const END =
  /\[info\] \d+#\d+: \*(\d+) (?<how>connection timed out|client timed out|client disconnected|upstream disconnected|upstream timed out)\b.*?\bbytes from\/to client:\d+\/(?<bytes>\d+)/;

/** No line of these is longer; matching takes time by the square of a line's length. */
const MOST_CHARACTERS = 4096;

const endIn = (text: string | undefined): string | undefined => {
  const end = parseEndpoint(text ?? '');
  return end && endpointText(end);
};

/** Follows the sessions of one nginx, line by line. */
export class NginxSessions {
  readonly #open = new Map<string, ProxySession & { client: string; since: number }>();

  /**
   * @param time when the line came, epoch seconds
   * @returns the session that ended with this line; its `termination` is in nginx's own words
   */
  read(line: string, time: number): ProxyLogEntry | undefined {
    if (line.length > MOST_CHARACTERS) return undefined;
    const text = line.trim();
    const [, begun, client] = CLIENT.exec(text) ?? [];
    const end = endIn(client);
    if (begun !== undefined && end !== undefined) this.#open.set(begun, { client: end, since: time });
    const [, joined, proxy, server] = PROXY.exec(text) ?? [];
    const session = joined === undefined ? undefined : this.#open.get(joined);
    if (session) {
      session.proxy = endIn(proxy);
      session.server = endIn(server);
    }
    const over = END.exec(text);
    const found = over && this.#open.get(over[1] as string);
    if (!over || !found) return undefined;
    this.#open.delete(over[1] as string);
    return {
      client: found.client,
      server: found.server ?? '',
      proxy: found.proxy ?? '',
      totalSeconds: time - found.since,
      bytesToClient: Number(over.groups?.bytes),
      termination: over.groups?.how as string,
    };
  }

  /** The sessions that have begun and not ended. */
  get live(): ProxySession[] {
    return [...this.#open.values()].map(({ since: _, ...session }) => session);
  }
}
