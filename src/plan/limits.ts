// What durations and counts in files and options may be. Each limit is that of whatever has to hold the value; its source
// stands beside it.
import { parseDuration, shortDuration } from '../base/duration.ts';

/** Bounds of a duration; all in seconds. */
export interface DurationLimit {
  least: number;
  most: number;
  /** Values are multiples of it. */
  step: number;
  /** What sets the bounds, for "expected …": "as connection tracking counts". */
  because: string;
}

/** Bounds of a whole number. */
export interface CountLimit {
  least: number;
  most: number;
  because?: string;
}

const MILLISECOND = 0.001;

/**
 * 2^31 - 1 milliseconds, in whole seconds: 24.8 days. Timers hold no more: Node's setTimeout(), which takes anything longer for
 * 1 ms; epoll_wait(2) and poll(2), whose timeout is an int; HAProxy (parse_time_err(), "timer overflow", 2.6). So do
 * connection tracking and IPVS on a kernel of HZ 1000: both take at most INT_MAX / HZ seconds (__nf_ct_set_timeout(),
 * proc_dointvec_jiffies(); ip_vs_set_timeout()).
 */
export const LONGEST_SECONDS = 2_147_483;

/** TCP_KEEPIDLE and TCP_KEEPINTVL: MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, include/net/tcp.h; tcp(7). */
const MOST_KEEP_SECONDS = 32_767;

const timer = (because: string): DurationLimit => ({
  least: MILLISECOND,
  most: LONGEST_SECONDS,
  step: MILLISECOND,
  because,
});
const keep = (least: number, option: string): DurationLimit => ({
  least,
  most: MOST_KEEP_SECONDS,
  step: 1,
  because: `as ${option} takes them`,
});

export const DURATION_LIMITS = {
  /** A step of a timeline, all of them together, and how long a sweep is quiet: nothing waits longer than a timer holds. */
  wait: timer('the longest that a timer holds'),
  /** Connection tracking and IPVS. */
  trackedIdleTimeout: { least: 1, most: LONGEST_SECONDS, step: 1, because: 'as connection tracking counts' },
  proxyIdleTimeout: timer('the longest that a proxy’s timer holds'),
  /** What a vendor says about a product is not played. */
  vendorIdleTimeout: { least: MILLISECOND, most: 100 * 365 * 86_400, step: MILLISECOND, because: 'of any product' },
  /** 0 turns SO_KEEPALIVE on with the kernel's own values. */
  keepIdle: keep(0, 'TCP_KEEPIDLE'),
  keepInterval: keep(1, 'TCP_KEEPINTVL'),
  heartbeat: timer('the longest that a timer holds'),
  commandTimeout: timer('the longest that a timer holds'),
  socketTimeout: timer('the longest that a timer holds'),
  poolIdle: timer('the longest that a timer holds'),
  /** TCP_USER_TIMEOUT is an int of milliseconds: do_tcp_setsockopt() refuses negative ones. */
  userTimeout: timer('as TCP_USER_TIMEOUT takes them'),
  spread: timer('the longest that a timer holds'),
  /** A middlebox that forgets nobody is played with a memory of a week (trial.ts). */
  outage: { least: 0, most: 86_400, step: MILLISECOND, because: 'while the middlebox remembers' },
  noticeWithin: { ...timer('the longest that a timer holds'), least: 0 },
} as const satisfies Record<string, DurationLimit>;

export const COUNT_LIMITS = {
  /** TCP_KEEPCNT: MAX_TCP_KEEPCNT, include/net/tcp.h. */
  keepProbes: { least: 1, most: 127, because: 'as TCP_KEEPCNT takes them' },
  /** An u8: proc_dou8vec_minmax() in net/ipv4/sysctl_net_ipv4.c. */
  tcpRetries2: { least: 0, most: 255, because: 'as net.ipv4.tcp_retries2 takes them' },
  tcpOrphanRetries: { least: 0, most: 255, because: 'as net.ipv4.tcp_orphan_retries takes them' },
  connections: { least: 1, most: 10_000 },
  brokers: { least: 1, most: 16 },
  /** How often a step repeats what it does. */
  times: { least: 1, most: 10_000 },
  /** Every cell is measured this often. */
  repeat: { least: 1, most: 100 },
  /** The model predicts no more. */
  lost: { least: 0, most: 3 },
  /** A seed is mixed as text; this many digits stay exact in JSON. */
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER },
  /** Labs at once: each has a kernel with memory of its own. */
  jobs: { least: 1, most: 1024 },
  shards: { least: 1, most: 10_000 },
} as const satisfies Record<string, CountLimit>;

/** How much a file may hold. The largest shipped one has 2.5 kB and some 150 values. */
export const FILE_LIMITS = {
  bytes: 64 * 1024,
  /** Maps and lists in one another. */
  depth: 32,
  /** Values, with those that aliases stand for. */
  values: 10_000,
  steps: 1000,
  acts: 100,
  expectations: 100,
  params: 100,
  hosts: 20,
} as const;

/** What a sweep may ask for. */
export const SWEEP_LIMITS = {
  /** Of one setting. */
  values: 10_000,
  cells: 100_000,
  /** Measured one and all. All of them are in memory at once, with their outcomes: a gigabyte. */
  trials: 1_000_000,
} as const;

const secondsText = (seconds: number): string => (seconds === 0 ? '0s' : shortDuration(seconds));

/** The limit in words: "whole seconds from 1s to 32767s, as TCP_KEEPINTVL takes them". */
export const durationLimitText = ({ least, most, step, because }: DurationLimit): string =>
  `${step === 1 ? 'whole seconds' : 'a duration'} from ${secondsText(least)} to ${secondsText(most)}, ${because}`;

export const countLimitText = ({ least, most, because }: CountLimit): string =>
  `a whole number from ${least} to ${most}${because === undefined ? '' : `, ${because}`}`;

const TINY = 1e-6;

/** Whether a number of seconds is within a limit, and no finer than its step. */
export function isWithin(seconds: number, { least, most, step }: DurationLimit): boolean {
  return seconds >= least && seconds <= most && Math.abs(seconds / step - Math.round(seconds / step)) < TINY;
}

/** Reads a duration. @returns seconds, or what was expected instead */
export function limitedDuration(text: string, limit: DurationLimit): number | { expected: string } {
  const seconds = parseDuration(text);
  if (seconds === undefined) return { expected: 'a duration, as in 350s, 8h or 200ms' };
  return isWithin(seconds, limit) ? seconds : { expected: durationLimitText(limit) };
}

/** Reads a count, from a file's number or from text. @returns it, or what was expected instead */
export function limitedCount(raw: unknown, limit: CountLimit): number | { expected: string } {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : Number.NaN;
  return Number.isSafeInteger(value) && value >= limit.least && value <= limit.most
    ? value
    : { expected: countLimitText(limit) };
}
