import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { judgeNotices } from '../notices.ts';

export default defineCheck({
  about: 'the server’s keepalive finds out that the client has gone, after idle + probes × interval',
  params: z.strictObject({ at: z.string() }),
  judge: (facts, { at }) => judgeNotices(facts, { at, side: 'server' }),
});
