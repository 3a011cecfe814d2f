import { netns } from '../../src/engines/netns/engine.ts';
import { playVerbs } from './play-verbs.ts';
import { CASES } from './verb-cases.ts';

playVerbs(
  { engine: netns, pace: 'compressed' },
  CASES.filter(({ needs }) => needs === undefined),
);
