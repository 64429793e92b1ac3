#include "engine/store/sqlite/testing/fault_vfs.h"

#include "base/macros.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

/* One open file: the system VFS's own stands behind ours in the same memory. */
struct fault_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    enum gf_fault_kind kind;
    int64_t countdown;
    bool forever;
    bool happened;
    int64_t sync_count;
} fault;

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct fault_file *)file)->real;
}

/* Counts an operation; true when it is to fail. */
static bool strikes(void) {
    if (fault.countdown > 0) {
        fault.countdown--;
    }
    if (fault.countdown > 0 || (fault.happened && !fault.forever)) {
        return false;
    }
    fault.happened = true;
    return true;
}

static int fault_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int fault_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset) {
    return real_of(file)->pMethods->xRead(real_of(file), bytes, size, offset);
}

static int fault_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
    sqlite3_file *real = real_of(file);
    const bool counts = fault.kind == GF_FAULT_WRITE_FULL || fault.kind == GF_FAULT_WRITE_ERROR;
    if (counts && strikes()) {
        (void)real->pMethods->xWrite(real, bytes, size / 2, offset);
        errno = fault.kind == GF_FAULT_WRITE_FULL ? ENOSPC : EIO;
        return fault.kind == GF_FAULT_WRITE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return real->pMethods->xWrite(real, bytes, size, offset);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

/* No test pulls the plug: a sync is counted, not done, so that thousands of them take no time. */
static int fault_sync(GF_UNUSED sqlite3_file *file, GF_UNUSED int flags) {
    fault.sync_count++;
    if (fault.kind == GF_FAULT_SYNC_ERROR && strikes()) {
        errno = EIO;
        return SQLITE_IOERR_FSYNC;
    }
    return SQLITE_OK;
}

static int fault_file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int fault_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int fault_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int fault_check_reserved_lock(sqlite3_file *file, int *out) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int fault_file_control(sqlite3_file *file, int op, void *arg) {
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int fault_sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int fault_device_characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int fault_shm_map(sqlite3_file *file, int region, int size, int extend,
                         void volatile **out) {
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void fault_shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int fault_shm_unmap(sqlite3_file *file, int delete_it) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

/* Version 2: with shared memory, which the write-ahead log needs, and without mmap. */
static const sqlite3_io_methods METHODS = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_file_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_reserved_lock,
    .xFileControl = fault_file_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_device_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(GF_UNUSED sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base,
                      int flags, int *out_flags) {
    struct fault_file *file = (struct fault_file *)base;
    file->real = (sqlite3_file *)(file + 1);
    const int result = fault.real->xOpen(fault.real, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods != NULL ? &METHODS : NULL;
    return result;
}

const char *gf_fault_vfs(void) {
    static const char NAME[] = "gofer-fault";
    if (fault.real == NULL) {
        fault.real = sqlite3_vfs_find(NULL);
        gf_assert(fault.real != NULL);
        fault.vfs = *fault.real;
        fault.vfs.pNext = NULL;
        fault.vfs.zName = NAME;
        fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
        fault.vfs.xOpen = fault_open;
        const int result = sqlite3_vfs_register(&fault.vfs, 0);
        gf_assert(result == SQLITE_OK);
    }
    return NAME;
}

void gf_fault_arm(enum gf_fault_kind kind, int64_t nth, bool forever) {
    fault.kind = kind;
    fault.countdown = nth;
    fault.forever = forever;
    fault.happened = false;
}

void gf_fault_disarm(void) {
    fault.kind = GF_FAULT_NONE;
}

bool gf_fault_happened(void) {
    return fault.happened;
}

int64_t gf_fault_sync_count(void) {
    return fault.sync_count;
}
