import { Migration } from '@mikro-orm/migrations';

export class Migration20261126013355_people extends Migration {

  override name = 'Migration20261126013355_people';

  override up(): void | Promise<void> {
    this.addSql(`create index "user_platform_admin_index" on "user" ("id") where "is_platform_admin";`);
    this.addSql(`create index "user_suspended_index" on "user" ("id") where "suspended_at" is not null;`);
    this.addSql(`create index "user_email_prefix_index" on "user" ("email_key" varchar_pattern_ops);`);
    this.addSql(`create index "user_username_prefix_index" on "user" ("username_key" varchar_pattern_ops);`);
    this.addSql(`create index "user_name_prefix_index" on "user" (lower("display_name") text_pattern_ops);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "user_platform_admin_index";`);
    this.addSql(`drop index "user_suspended_index";`);
    this.addSql(`drop index "user_email_prefix_index";`);
    this.addSql(`drop index "user_username_prefix_index";`);
    this.addSql(`drop index "user_name_prefix_index";`);
  }

}
