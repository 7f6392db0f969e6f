import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { decodeTypeId } from '../src/lib/typeid.ts'
import type { Role } from '../src/platform/access.ts'
import { newUuid } from '../src/platform/uuid.ts'
import { createPerson, type Person } from './person.ts'

/** A server of its own, and whoever plays on it; disposing of it leaves nothing behind. */
export interface Stage extends AsyncDisposable {
  readonly url: string
  enter(name: string): Person
  /** Makes somebody a member of an organization, in which they act from their next sign-in on. Both are TypeIDs. */
  takeOn(userId: string, organizationId: string, role: Role): Promise<void>
}

/** Starts a server on a free port and an embedded database in a temporary directory. */
export async function raiseStage(onFailure: (error: Error) => void): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'ocean-graph-demo-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const config = loadConfig({ PORT: '0', DATA_DIR: directory, LOG_LEVEL: 'silent' })
  const app = opened.adopt(await createApp(config, { onFailure }), (app) => app.close())
  const { url } = await app.listen()
  const resources = opened.move()
  return {
    url,
    enter: (name) => resources.adopt(createPerson(url, name), (person) => person.close()),
    // Through the back door, for the API has no invitations yet. One acts in one's oldest organization: the own one goes.
    takeOn: async (userId, organizationId, role) => {
      const { database, clock } = app.platform
      const [user_id, organization_id] = [uuidIn(userId), uuidIn(organizationId)]
      const now = clock.now()
      const values = { id: newUuid(now), user_id, organization_id, role, joined_at: now }
      await database.unscoped.deleteFrom('membership').where('user_id', '=', user_id).execute()
      await database.unscoped.insertInto('membership').values(values).execute()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function uuidIn(id: string): string {
  const decoded = decodeTypeId(id)
  if (decoded === null) throw new Error(`${id} is no id`)
  return decoded.uuid
}
