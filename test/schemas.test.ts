import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../src/base/root.ts';
import { publishedSchemas } from '../src/cli/published-schemas.ts';
import { judged } from './helpers/fixture.ts';

const published = await publishedSchemas();
const validator = (file: string) =>
  new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(published[file] as string));

describe('the published schemas', () => {
  it.each(Object.keys(published))('%s is the one that the code reads by (npm run schemas)', (file) =>
    expect(readFileSync(join(packageRoot, 'schemas', file), 'utf8')).toBe(published[file]),
  );

  it.each(
    ['scenario', 'middlebox', 'tuning', 'sweep'].flatMap((kind) => {
      const folder = kind === 'middlebox' ? 'middleboxes' : `${kind}s`;
      return readdirSync(join(packageRoot, 'lab', folder)).map((file) => [kind, folder, file]);
    }),
  )('accept every shipped %s: lab/%s/%s', (kind, folder, file) => {
    const validate = validator(`${kind}.schema.json`);
    validate(parse(readFileSync(join(packageRoot, 'lab', folder as string, file as string), 'utf8')));
    expect(validate.errors).toBeNull();
  });

  it.each(['rebalance', 'reset', 'reset-both', 'black-hole', 'proxy-close', 'lost-fin'])(
    'accept the result of %s',
    async (scenario) => {
      const validate = validator('result.schema.json');
      validate(JSON.parse(JSON.stringify(await judged(scenario))));
      expect(validate.errors).toBeNull();
    },
  );

  const chain = {
    title: 'Chain',
    params: { many: '2' },
    hosts: {
      web: { client: 'ioredis', connections: 4 },
      nat: { middlebox: 'firewall' },
      nlb: { middlebox: 'aws-nlb', idleTimeout: { client: '3s', server: '9s' }, life: '1h' },
      mq: { server: 'redis', count: 2 },
    },
    paths: [['web', 'nat', 'nlb', 'mq']],
    timeline: [
      { web: 'connect' },
      { together: [{ web: { request: { of: 'half', over: '1s', times: '$many', every: '2s' } } }, { nat: 'cut' }] },
      { quiet: { production: '8h', compressed: '5s' } },
      { web: { request: { bytes: { production: '1MiB', compressed: 64 } } } },
      { web: { close: null } },
      { observe: '2s' },
    ],
    acts: { only: { expect: ['flows-forgotten', { zombies: { at: 'mq', atLeast: '$many' } }] } },
  };

  it('accept paths, verbs with parameters, steps at once', () => {
    const validate = validator('scenario.schema.json');
    validate(chain);
    expect(validate.errors).toBeNull();
  });

  it('accept every word that a scenario may have', () => {
    const validate = validator('scenario.schema.json');
    validate(parse(readFileSync(join(packageRoot, 'test/plan/files/every-word.yaml'), 'utf8')));
    expect(validate.errors).toBeNull();
  });

  it.each([
    ['a verb that there is not', { web: 'requst' }],
    ['a parameter that its verb does not take', { web: { request: { byte: '1kB' } } }],
    ['a parameter of another type', { web: { request: { bytes: ['1kB'] } } }],
    ['a part for a verb that is not about connections', { mq: { crash: { of: 'half' } } }],
    ['two verbs', { web: { request: null, close: null } }],
    ['two hosts', { web: 'request', mq: 'crash' }],
    ['a list of verbs', { web: ['request'] }],
    ['quiet among steps at once', { together: [{ web: 'request' }, 'quiet'] }],
    ['no steps at once', { together: [] }],
  ])('refuse a step with %s', (_, step) => {
    const validate = validator('scenario.schema.json');
    expect(validate({ ...chain, timeline: [...chain.timeline, step] })).toBe(false);
  });

  it.each([
    ['a check that there is not', 'flows-forgoten'],
    ['a parameter that its check does not take', { zombies: { at: 'mq', atLest: 1 } }],
    ['a check without the parameter that it needs', { zombies: { exactly: 0 } }],
  ])('refuse an expectation with %s', (_, expectation) => {
    const validate = validator('scenario.schema.json');
    expect(validate({ ...chain, acts: { only: { expect: [expectation] } } })).toBe(false);
  });

  it.each([
    ['a client library', { client: 'iordis' }],
    ['a server', { server: 'rediss' }],
    ['a server by its older word', { broker: 'rediss' }],
    ['a middlebox', { middlebox: 'aws-nbl' }],
  ])('refuse %s that there is not', (_, host) => {
    const validate = validator('scenario.schema.json');
    expect(validate({ ...chain, hosts: { ...chain.hosts, more: host } })).toBe(false);
  });

  it.each([
    ['a box that there is not', { iptables: {} }],
    ['a behaviour that its box does not have', { conntrack: 'forget' }],
    ['parameters that its box does not take', { ipvs: { sloppy: true } }],
    ['two boxes', { conntrack: 'drop', haproxy: {} }],
  ])('refuse a middlebox played by %s', (_, playedBy) => {
    const validate = validator('middlebox.schema.json');
    const profile = parse(readFileSync(join(packageRoot, 'lab/middleboxes/l4-drop.yaml'), 'utf8'));
    expect(validate(profile)).toBe(true);
    expect(validate({ ...profile, playedBy })).toBe(false);
  });

  it('say in every verb and check what it is', () => {
    const text = published['scenario.schema.json'] as string;
    for (const about of ['a host loses power: no FIN, no RST, nothing', 'ESTABLISHED sockets at the end of the act'])
      expect(text).toContain(about);
  });

  it('refuse a scenario with an unknown key', () => {
    const validate = validator('scenario.schema.json');
    const scenario = parse(readFileSync(join(packageRoot, 'lab/scenarios/rebalance.yaml'), 'utf8'));
    expect(validate({ ...scenario, surprise: 1 })).toBe(false);
  });
});
