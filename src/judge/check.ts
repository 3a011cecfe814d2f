import type { z } from 'zod';
export interface Check {
  params: z.ZodType;
}
