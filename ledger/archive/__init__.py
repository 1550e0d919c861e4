"""The archive: records that left the database, as C2SP tiles and entry bundles, and as Parquet.

```
<log>[.<k>]/tile/<level>/…            full tiles of hashes; never changed once written
<log>[.<k>]/tile/entries/…            the leaves themselves, beside each tile of level 0
partitions/<first>/records.parquet    the same records as a table
partitions/<first>/manifest.json      what was copied, a signed checkpoint, and the way to it
```

``store`` reads and writes the files, ``reading`` gives the bodies of records that are nowhere else,
``copying`` writes a partition, ``checking`` reads a copy back.
"""
