import { addressGroup } from '../../../lib/address-group.ts'
import { type CredentialKind, isCredential } from '../../../lib/credential.ts'
import { sha256Hex } from '../../../lib/hash.ts'
import type { Platform, RequestFacts, Viewer } from '../../../platform/context.ts'
import { RateLimited } from '../../../platform/errors.ts'
import { auditEach, denials } from '../../audit/audit.service.ts'
import { viewerOfAgentToken } from '../agents/agent-access.service.ts'
import { viewerOfKey } from './api-key-access.service.ts'
import { type Found, refused } from './found.reads.ts'

const entering = { projectId: null, graceSeconds: 0 }

/**
 * Who a program's secret speaks for: a person through a key of theirs, or an agent. A malformed one costs no query, an
 * unknown one a single look-up. Refusals go into the audit trail, at most 10 a minute from one address: else whoever sends
 * garbage could fill it.
 */
export async function viewerOfCredential(
  platform: Platform,
  { kind, text }: { readonly kind: CredentialKind; readonly text: string },
  request: RequestFacts,
): Promise<Viewer> {
  const { viewer, known } = await look(platform, kind, text)
  if (viewer.kind === 'anonymous') await noteDenial(platform, { kind, known, viewer }, request)
  return viewer
}

async function look(platform: Platform, kind: CredentialKind, text: string): Promise<Found> {
  if (!isCredential(text)) {
    return { viewer: refused(`This is not ${kind === 'key' ? 'an API key' : "an agent's token"}.`), known: null }
  }
  const hash = sha256Hex(text)
  return kind === 'key' ? viewerOfKey(platform, hash, entering) : viewerOfAgentToken(platform, { hash }, entering)
}

async function noteDenial(
  platform: Platform,
  { kind, known, viewer }: Found & { readonly kind: CredentialKind },
  request: RequestFacts,
): Promise<void> {
  const { limits, database, clock, log } = platform
  try {
    await limits.consume(denials, addressGroup(request.address))
    const action = kind === 'key' ? 'api_key.authenticate' : 'agent_token.authenticate'
    const as = { userId: null, organizationId: known?.organizationId ?? null }
    const entry = { action, target: known?.target ?? null, outcome: 'denied', as } as const
    await auditEach({ viewer, request }, { unscoped: database.unscoped, now: clock.now() }, [entry])
  } catch (error) {
    // A refusal stays one, also where it cannot be written down.
    if (!(error instanceof RateLimited))
      log.warn({ err: error, requestId: request.id }, 'a refused secret left no trace')
  }
}
