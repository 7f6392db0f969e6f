import { Migration } from '@mikro-orm/migrations';

export class Migration20261126173513_chat_sessions extends Migration {

  override name = 'Migration20261126173513_chat_sessions';

  override up(): void | Promise<void> {
    this.addSql(`alter table "chat_session" add "context" jsonb not null default '{}', add "archived_at" timestamptz null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "chat_session" drop column "context", drop column "archived_at";`);
  }

}
