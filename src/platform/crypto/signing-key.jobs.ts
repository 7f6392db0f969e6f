import { z } from 'zod'
import type { Platform } from '../context.ts'
import { defineJob } from '../jobs.ts'

/** Makes the next signing key when one is due, and deletes those that no token needs any more. */
export const signingKeyRotation = defineJob({
  name: 'platform.signing-key-rotation',
  schema: z.object({}),
  expireSeconds: 60,
  schedule: '41 * * * *',
  run: async ({ signingKeys }: Platform) => signingKeys.rotate(),
})
