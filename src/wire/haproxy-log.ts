import { parseDuration } from '../base/duration.ts';
import { parseAddress } from './address.ts';
import { endText } from './endpoint.ts';

/** A finished session in HAProxy's log (configuration.txt, "TCP log format"). Ends are "address:port", with brackets around IPv6. */
export interface ProxyLogEntry {
  client: string;
  server: string;
  /** Address of the proxy's own socket towards the server. */
  proxy: string;
  totalSeconds: number;
  bytesToClient: number;
  /** In the proxy's own words: HAProxy's two letters for who or what ended it, and in which phase (cD, sD, CD, SD, --, …). */
  termination: string;
}

/** HAProxy writes "address:port" without brackets, of IPv6 too: the port is what follows the last colon. */
const END = /^\[?(?<address>[0-9A-Fa-f:.]+?)\]?:(?<port>\d{1,5})$/;

/** The one text of an end; undefined for what is none ("unix:1", "-"). */
function endIn(text: string | undefined): string | undefined {
  const found = END.exec(text ?? '')?.groups;
  const address = parseAddress(found?.address ?? '');
  return address === undefined ? undefined : endText(address, Number(found?.port));
}

const LINE =
  /(\S+:\d+) \[[^\]]+\] \S+ (\S+)\/(\S+) (-?\d+)\/(-?\d+)\/\+?(-?\d+) \+?(-?\d+) ([A-Za-z-]{2}) \S+ \S+ (\S+)$/;

/** HAProxy writes at most 1024 bytes a line unless told otherwise; matching a line takes time by the square of its length. */
const MOST_CHARACTERS = 4096;

export function parseProxyLog(line: string): ProxyLogEntry | undefined {
  const match = line.length > MOST_CHARACTERS ? undefined : LINE.exec(line.trim());
  if (!match) return undefined;
  return {
    client: endIn(match[1]) ?? (match[1] as string),
    server: match[3] as string,
    totalSeconds: Number(match[6]) / 1000,
    bytesToClient: Number(match[7]),
    termination: match[8] as string,
    proxy: endIn(match[9]) ?? (match[9] as string),
  };
}

/** What the two letters mean, in words (HAProxy configuration manual, "Session state at disconnection"). */
export const TERMINATION: Record<string, string> = {
  cD: 'the client-side timeout expired while data could still flow',
  sD: 'the server-side timeout expired while data could still flow',
  CD: 'the client ended the session while data could still flow',
  SD: 'the server ended the session while data could still flow',
  '--': 'an ordinary end by both sides',
  // nginx's words (wire/nginx-log), whose one timer is for both sides.
  'connection timed out': 'nothing came from either side within proxy_timeout',
  'client disconnected': 'the client ended the session',
  'upstream disconnected': 'the server ended the session',
};

/** Whether a proxy says that a timer of its own has ended a session, in HAProxy's letters or nginx's words. */
export const endedByTimer = (termination: string | undefined): boolean =>
  termination === 'cD' || termination === 'sD' || termination === 'connection timed out';

/** A live session, from `show sess all`. Ends are "address:port", with brackets around IPv6. */
export interface ProxySession {
  client: string;
  server?: string | undefined;
  /** Address of the proxy's own socket towards the server. */
  proxy?: string | undefined;
  /** Whole seconds until the proxy's next time-out on it. */
  expiresIn?: number | undefined;
}

/** Reads the answer of HAProxy's `show sess all`; the control connection itself is left out. */
export function parseProxySessions(text: string): ProxySession[] {
  return text
    .split(/^(?=0x[0-9a-f]+: )/m)
    .map((block): Omit<ProxySession, 'client'> & { client: string | undefined } => ({
      client: endIn(/\bsource=(\S+)/.exec(block)?.[1]),
      server: /\bserver=(\S+)/.exec(block)?.[1],
      proxy: endIn(/\bbackend=\S+ \([^)]*\)(?: addr=(\S+))?/.exec(block)?.[1]),
      expiresIn: parseDuration(/\btask=\S+ \([^)]*\bexp=(\w+)/.exec(block)?.[1] ?? ''),
    }))
    .filter((session): session is ProxySession => session.client !== undefined);
}
