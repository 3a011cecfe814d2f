/** A keepalive to be asked for. What is left out is as the program, or its kernel, has it. */
export interface WantedKeepalive {
  idleSeconds: number;
  intervalSeconds?: number;
  probes?: number;
}

/** What is to be configured, in production seconds, and where. */
export interface Wanted {
  keepalive?: WantedKeepalive | undefined;
  heartbeatSeconds?: number | undefined;
  /** How long a PING, and how long any command, may wait for its answer. */
  heartbeatTimeoutSeconds?: number | undefined;
  commandTimeoutSeconds?: number | undefined;
  /** What stands between: its idle timeout, and how long the connection is idle. */
  layer: 'L4' | 'L7';
  timeoutSeconds: number;
  quietSeconds: number;
}

export interface Told {
  /** What to paste. */
  text: string;
  note?: string;
}

/** Where a version is read: a package of npm, or what a program says of itself. */
export type VersionSource = { package: string } | { program: string; arguments: readonly string[]; called: string };

/**
 * How a product is told what it should do: a file each in `targets/`, the one place for scenarios and sweeps. A client
 * library's file has the library's word in scenarios, a server's is `<kind>-server`.
 */
export interface Advice {
  title: string;
  /** Where it is shown among the others: from 100 the kernel's, from 200 proxies', from 300 clients', from 400 servers'. */
  order: number;
  /** What begins a comment in its configuration. */
  comment: '#' | '//';
  version?: VersionSource;
  /** The oldest release that knows what is said here, where that is not any. */
  needs?: string;
  /** How the project's tests try it, or that they do not. */
  tested: string;
  /** @returns what to paste, undefined where this target can do nothing here */
  tell(wanted: Wanted): Told | undefined;
}

export const NOT_TESTED = 'not tested here: its tool is not at hand';

/** As JavaScript has it: 100_000. */
export const milliseconds = (seconds: number): string =>
  String(Math.round(seconds * 1000)).replace(/\B(?=(\d{3})+$)/g, '_');

/** What Node.js makes of an idle time alone (libuv, uv__tcp_keepalive). */
export const LIBUV =
  'interval and count are libuv’s: 10 probes, one second apart, which an outage of more than ten seconds may end';

/** Lines for those of the three values that are asked for. */
export const lines = (
  { idleSeconds, intervalSeconds, probes }: WantedKeepalive,
  write: { idle(value: number): string; interval(value: number): string; probes(value: number): string },
): string =>
  [
    write.idle(idleSeconds),
    ...(intervalSeconds === undefined ? [] : [write.interval(intervalSeconds)]),
    ...(probes === undefined ? [] : [write.probes(probes)]),
  ].join('\n');
