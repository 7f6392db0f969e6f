import type { AnonymousViewer, ApiKeyViewer, Viewer } from '../../../platform/context.ts'

// What keys and agents' tokens have in common once they are looked up.

/** Whom a secret speaks for, and what it is of where it is known: a refusal of a known one is told in its trail. */
export interface Found {
  readonly viewer: Viewer
  readonly known: { readonly target: string; readonly organizationId: string } | null
}

/** How a secret is looked at. */
export interface Looked {
  /** The project whose access epoch is wanted as well. */
  readonly projectId: string | null
  /** How long after its end what is open goes on, in seconds: 0 for whoever comes in. */
  readonly graceSeconds: number
}

/** What every program that acts brings along. */
export type Admitted = Pick<
  ApiKeyViewer,
  'role' | 'grants' | 'isPlatformAdmin' | 'accessVersion' | 'projectEpoch' | 'accessUntil'
>

/** The end of what has none; before the last year that Postgres, RFC 3339 and `Date` can all write. */
const NEVER = new Date('9999-01-01T00:00:00Z')

/** The earliest of the ends there are. */
export function endOf(...ends: readonly (Date | null)[]): Date {
  const [first = NEVER] = ends.filter((end) => end !== null).toSorted((a, b) => a.getTime() - b.getTime())
  return first
}

/** Whether a secret that ends then counts no more. */
export function isOver(end: Date, now: Date, { graceSeconds }: Pick<Looked, 'graceSeconds'>): boolean {
  return now.getTime() >= end.getTime() + graceSeconds * 1_000
}

/** Nobody, and why. */
export function refused(reason: string): AnonymousViewer {
  return { kind: 'anonymous', reason }
}
