import type { Platform } from '../../../platform/context.ts'
export async function embedDue(_p: Platform, _s: AbortSignal): Promise<number> {
  return 0
}
