import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type DemoPage, demoQuestions, handbook } from './demo-pages.ts'
import { encodeTypeId } from './lib/typeid.ts'
import { enterSession, openSession } from './modules/accounts/devices/device-session.service.ts'
import { createAccount } from './modules/accounts/users/user.service.ts'
import { audit } from './modules/audit/audit.service.ts'
import { indexChanges } from './modules/chat/search/indexing.service.ts'
import { createBlocks } from './modules/ocean/blocks/block.service.ts'
import { createPage } from './modules/ocean/pages/page.service.ts'
import { createProject } from './modules/projects/project.service.ts'
import { type Context, createContext, type Platform } from './platform/context.ts'
import { transact } from './platform/database/transact.ts'
import { newUuid } from './platform/uuid.ts'

/** How to sign in to the demo workspace. */
export interface DemoAccount {
  readonly email: string
  readonly password: string
}

const FILE = 'demo-account.json'
const CHANGES_AT_ONCE = 50
const accountSchema = z.object({ email: z.string(), password: z.string() })

/**
 * Fills an empty database with a workspace to look around in, and answers how to sign in: made on the first start, read
 * back from the data directory later. Null when nobody can be told: the database holds accounts but not this one, or the
 * file with its password is gone or damaged. Never in production.
 */
export async function demoAccount(platform: Platform, dataDir: string): Promise<DemoAccount | null> {
  const path = join(dataDir, FILE)
  const stored = readAccount(platform, path)
  const users = platform.database.unscoped.selectFrom('user').select('id')
  const isEmpty = (await users.limit(1).executeTakeFirst()) === undefined
  if (!isEmpty) {
    // The file may be of a database that has since been replaced.
    const owner = stored && (await users.where('email_key', '=', stored.email.toLowerCase()).executeTakeFirst())
    return owner ? stored : null
  }
  const account = stored ?? {
    email: 'demo@ocean-graph.localhost',
    password: `Aa1-${randomBytes(9).toString('base64url')}`,
  }
  // Before there is such an account: were it after, a start killed in between would leave one nobody knows the password of.
  writeFileSync(`${path}.new`, `${JSON.stringify(account, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  await seed(platform, account)
  return account
}

/** Null for a file that is absent or damaged: what is lost is an announcement, no reason not to start. */
function readAccount({ log }: Platform, path: string): DemoAccount | null {
  if (!existsSync(path)) return null
  try {
    return accountSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    log.warn(`${path} is damaged, so the demo account it was for cannot be announced.`)
    return null
  }
}

const startPage: DemoPage = {
  title: 'Start here',
  icon: '🌊',
  blocks: [
    { type: 'HEADING_1', text: 'Welcome to Ocean Graph' },
    { type: 'PARAGRAPH', text: 'Accounts, projects, pages and live events, behind one GraphQL API.' },
    { type: 'BULLETED_LIST', text: 'Watch this page with the pageEvents subscription.' },
    { type: 'BULLETED_LIST', text: 'Add a block with createBlocks, and see it arrive.' },
    { type: 'HEADING_2', text: 'Questions to ask the pages of Tidewater Labs' },
    ...demoQuestions.map((text) => ({ type: 'NUMBERED_LIST', text }) as const),
  ],
}

/** Makes the account as one whose address is proven: it is nobody's, and no mail would ever arrive. */
async function signUp(ctx: Context, { email, password }: DemoAccount): Promise<void> {
  const passwordHash = await ctx.platform.passwords.hash(password)
  const session = await transact(ctx, async (tx) => {
    const names = { email, displayName: 'Demo', username: 'demo' }
    const account = createAccount(tx, { ...names, passwordHash, emailVerifiedAt: tx.now })
    audit(ctx, tx, { action: 'user.register', target: encodeTypeId('user', account.userId), as: account })
    await tx.em.flush()
    return openSession(ctx, tx, { ...account, deviceName: null, deviceId: null })
  })
  await enterSession(ctx, session, 'BEARER')
}

async function seed(platform: Platform, account: DemoAccount): Promise<void> {
  const ctx = createContext(platform, {
    viewer: { kind: 'anonymous', reason: null },
    cookies: null,
    request: { id: newUuid(platform.clock.now()), address: null, userAgent: 'demo' },
    signal: new AbortController().signal,
  })
  await signUp(ctx, account)
  const once = { idempotencyKey: null }
  const plain = { coverImage: null, language: null, parentId: null, afterId: null, beforeId: null }
  const publish = async ({ blocks, ...page }: DemoPage, { id }: { id: string }) => {
    const { id: pageId } = await createPage(ctx, { ...page, ...plain, projectId: id, ...once })
    const made = blocks.map((block) => ({ ...block, content: {}, parentIndex: null }))
    await createBlocks(ctx, { pageId, blocks: made, parentId: null, afterId: null, beforeId: null, ...once })
  }
  const open = { settings: {}, visibility: 'ORGANIZATION', ...once } as const
  const description = 'The handbook of a company that does not exist.'
  const company = await createProject(ctx, { name: 'Tidewater Labs', description, ...open })
  for (const page of handbook) await publish(page, company)
  // Last: lists begin with what is newest.
  const welcome = await createProject(ctx, { name: 'Welcome', description: 'A place to look around.', ...open })
  await publish(startPage, welcome)
  // The indexer would come to it as well, but perhaps not before somebody's first question.
  while ((await indexChanges(platform.database, CHANGES_AT_ONCE)) > 0);
}
