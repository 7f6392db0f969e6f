import { Migration } from '@mikro-orm/migrations';

export class Migration20261126025107_ends extends Migration {

  override name = 'Migration20261126025107_ends';

  override up(): void | Promise<void> {
    this.addSql(`create index "organization_deleted_at_index" on "organization" ("deleted_at");`);

    this.addSql(`create index "block_organization_id_index" on "block" ("organization_id");`);

    this.addSql(`create index "message_organization_id_index" on "message" ("organization_id");`);

    this.addSql(`create index "device_session_active_organization_id_index" on "device_session" ("active_organization_id");`);

    this.addSql(`create index "chat_participant_organization_id_index" on "chat_participant" ("organization_id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "block_organization_id_index";`);

    this.addSql(`drop index "chat_participant_organization_id_index";`);

    this.addSql(`drop index "device_session_active_organization_id_index";`);

    this.addSql(`drop index "message_organization_id_index";`);

    this.addSql(`drop index "organization_deleted_at_index";`);
  }

}
