"""The administrator's file, `config.toml`, checked: every error names the key, the value and the way out.

`tables` has its keys and their defaults, `whole` the file as a value, `reading` reads and checks it, `shipped` the
presets, `convert` turns TOML into values, `buckets` reads the address of a bucket, and `places` says where it lies.
"""

from watcher.config.buckets import BucketPlace as BucketPlace
from watcher.config.buckets import bucket_place as bucket_place
from watcher.config.places import find as find
from watcher.config.places import state_directory as state_directory
from watcher.config.places import user_path as user_path
from watcher.config.reading import DEFAULT_CATALOGUE as DEFAULT_CATALOGUE
from watcher.config.reading import load as load
from watcher.config.shipped import preset as preset
from watcher.config.shipped import presets as presets
from watcher.config.tables import BucketTable as BucketTable
from watcher.config.tables import CatalogueTable as CatalogueTable
from watcher.config.tables import ChannelTable as ChannelTable
from watcher.config.tables import DownloadTable as DownloadTable
from watcher.config.tables import FeedsTable as FeedsTable
from watcher.config.tables import HealthTable as HealthTable
from watcher.config.tables import LogTable as LogTable
from watcher.config.tables import MailTable as MailTable
from watcher.config.tables import NotifyTable as NotifyTable
from watcher.config.tables import PollTable as PollTable
from watcher.config.whole import Config as Config
